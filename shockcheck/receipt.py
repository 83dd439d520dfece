"""The receipt: which claims and pages of a build made anew in a clean folder are those that are recorded.

What a claim gave is recorded in the outputs stored in its notebook, what a page was in `reports/CHECKSUMS.sha256`, which
`sha256sum --check` reads too, and which packages were at work in `requirements.lock`.
"""

import json
import platform
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import zip_longest
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from shockcheck import cache, copies, notebooks, scratch
from shockcheck.errors import BuildError
from shockcheck.findings import Finding, in_short, shown_in
from shockcheck.paths import REPORTS, ROOT, shown, write

CHECKSUMS = REPORTS / "CHECKSUMS.sha256"
RECEIPT = REPORTS / "receipt.json"
LOCK = ROOT / "requirements.lock"
LONGEST = 200  # signs of a line that are shown


@dataclass(frozen=True)
class Receipt:
    """What a build anew gave, beside what is recorded.

    `differing` holds the claims that differ with what is `recorded` and what was `found`, `pages` which are identical,
    `first_difference` the first that is not, `packages` those that are not as the lock has them.
    """

    claims: int
    differing: list[dict[str, Any]]
    pages: dict[str, bool]
    first_difference: dict[str, Any] | None
    errors: list[str]
    packages: list[dict[str, str]]
    environment: dict[str, Any]
    commit: dict[str, Any]

    def lines(self) -> list[str]:
        """The receipt in sentences."""
        same = [page for page, identical in self.pages.items() if identical]
        said = [
            *self.errors,
            f"claims reproduced: {self.claims - len(self.differing)} of {self.claims}, verdicts and, within one unit of the "
            "last decimal shown, numbers",
            *(f"  {one['id']}: recorded {one['recorded']}, now {one['found']}" for one in self.differing),
            f"pages identical: {len(same)} of {len(self.pages)}",
        ]
        if self.first_difference:
            said.append(f"  the first that is not: {', '.join(f'{key} {it}' for key, it in self.first_difference.items())}")
        wrong = [f"{one['name']} {one['installed']} and not {one['locked']}" for one in self.packages]
        return [
            *said,
            f"packages: {', '.join(wrong) or ('all as locked' if LOCK.exists() else f'there is no {LOCK.name}')}",
            f"environment: {self.environment['python']} on {self.environment['system']}",
            f"commit: {self.commit['hash'] or 'none'}{', with uncommitted changes' if self.commit['changed'] else ''}",
        ]


def record() -> None:
    """Write the checksums of the report as it is built; raises BuildError where that cannot be done."""
    text = "".join(f"{cache.of_file(REPORTS / name)}  {name}\n" for name in _outputs(REPORTS))
    write(CHECKSUMS, text)


def recorded() -> dict[str, str]:
    """The SHA-256 of each file of the report, as recorded; raises BuildError where there is no such list."""
    try:
        lines = CHECKSUMS.read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise BuildError(f"{shown(CHECKSUMS)} cannot be read ({error}); `make notebooks` writes it anew") from error


def _outputs(folder: Path) -> list[str]:
    pages = sorted(f"{notebook.name}.html" for notebook in notebooks.numbered())
    return [name for name in (*pages, "index.html", "findings.json") if (folder / name).exists()]


def verify() -> Receipt:
    """Build the project anew in a clean folder and compare; writes the receipt to `reports/receipt.json`, nothing else.

    Raises BuildError where no checksums are recorded.
    """
    digests = recorded()
    expected = {one["id"]: one for notebook in notebooks.discover() for one in shown_in(notebook.node)}
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        root = Path(folder)
        copies.copy_to(root)
        errors = copies.run(root, "report")
        built = root / REPORTS.name
        found = json.loads(_text(built / "findings.json") or "[]")
        pages = {name: cache.of_file(built / name) == digest for name, digest in digests.items()}
        different = next((name for name, identical in pages.items() if not identical), None)
        receipt = Receipt(
            claims=len(expected),
            differing=_differing(expected, {one["id"]: one for one in found}),
            pages=pages,
            first_difference=different and _first_difference(different, digests[different], built / different),
            errors=errors,
            packages=_not_as_locked(),
            environment=_environment(),
            commit=_commit(),
        )
    RECEIPT.parent.mkdir(exist_ok=True)
    write(RECEIPT, json.dumps(asdict(receipt), indent=2, ensure_ascii=False) + "\n")
    return receipt


def _differing(expected: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": claim, "recorded": _result(was), "found": _result(found.get(claim))}
        for claim, was in expected.items()
        if not _alike(was, found.get(claim))
    ]


def _result(found: dict[str, Any] | None) -> dict[str, Any] | None:
    return found and {name: found[name] for name in ("verdict", "recomputed", "low", "high")}


def _alike(was: dict[str, Any], now: dict[str, Any] | None) -> bool:
    """Whether verdict and numbers are the same; those shown with decimals within one unit of the last, ranks exactly."""
    if now is None or was["verdict"] != now["verdict"]:
        return False
    decimals = Finding(**in_short(was)).decimals
    tolerance = 1.001 * 10**-decimals if decimals else 0.0
    pairs = [(was[name], now[name]) for name in ("recomputed", "low", "high")]
    return all(a is b is None or (a is not None and b is not None and abs(a - b) <= tolerance) for a, b in pairs)


def _first_difference(name: str, digest: str, now: Path) -> dict[str, Any]:
    """Where a page differs; the line only where the page as recorded is at hand, from an earlier build."""
    difference = {"page": name, "recorded": digest, "now": cache.of_file(now)}
    before = REPORTS / name
    if not now.exists() or cache.of_file(before) != digest:
        return difference
    pairs = zip_longest(_text(before).splitlines(), _text(now).splitlines())
    number, (was, is_now) = next((number, pair) for number, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    return difference | {"line": number, "was": (was or "")[:LONGEST], "is": (is_now or "")[:LONGEST]}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _not_as_locked() -> list[dict[str, str]]:
    """The packages that are installed in another version than the lock has; those not installed are of no matter."""
    pins = (line.split(" \\")[0] for line in _text(LOCK).splitlines() if line and line[0] not in "# -")
    found = []
    for pin in _requirements(pins):
        installed = _version(pin.name)
        if installed and not pin.specifier.contains(installed, prereleases=True):
            found.append({"name": pin.name, "locked": str(pin.specifier).removeprefix("=="), "installed": installed})
    return found


def _requirements(lines: Iterable[str]) -> list[Requirement]:
    """The requirements that apply here."""
    found = []
    for line in lines:
        try:
            one = Requirement(line)
        except InvalidRequirement as error:
            raise BuildError(f"{shown(LOCK)} has a line that is no requirement ({error}); restore it") from error
        if not one.marker or one.marker.evaluate():
            found.append(one)
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _environment() -> dict[str, Any]:
    own = [one.name for one in _requirements(line for line in requires("shockcheck") or [])]
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "packages": {name: _version(name) for name in ("shockcheck", *sorted(own, key=str.lower))},
    }


def _commit() -> dict[str, Any]:
    return {"hash": _git("rev-parse", "HEAD"), "changed": _git("status", "--porcelain", "--", ".").splitlines()}


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
