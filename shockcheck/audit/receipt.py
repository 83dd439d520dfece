"""The receipt: which claims and pages of a new build in a clean folder are as recorded.

The findings are recorded in the outputs stored in the notebooks, the pages in `reports/CHECKSUMS.sha256`, which
`sha256sum --check` reads too, and the packages in `requirements.lock`.
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

from shockcheck.audit import clean_copy
from shockcheck.errors import BuildError
from shockcheck.findings import Finding
from shockcheck.notebooks.execution import stored_findings
from shockcheck.notebooks.notebook import numbered_notebooks
from shockcheck.project import scratch
from shockcheck.project.digests import file_digest
from shockcheck.project.files import as_json, write
from shockcheck.project.paths import current_project, shown

MAX_LINE = 200  # characters of a line that are shown


@dataclass(frozen=True)
class Receipt:
    """The results of a new build beside the recorded ones.

    `differing` holds the claims that differ, each as `recorded` and as `found`; `pages` says which pages are identical;
    `first_difference` describes the first that is not; `packages` lists those that differ from the lock.
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
        """Return the receipt in sentences."""
        same = [page for page, identical in self.pages.items() if identical]
        lines = [
            *self.errors,
            f"claims reproduced: {self.claims - len(self.differing)} of {self.claims}, verdicts and, within one unit of the "
            "last decimal shown, numbers",
            *(f"  {claim['id']}: recorded {claim['recorded']}, now {claim['found']}" for claim in self.differing),
            f"pages identical: {len(same)} of {len(self.pages)}",
        ]
        if self.first_difference:
            lines.append(
                f"  the first that is not: {', '.join(f'{key} {value}' for key, value in self.first_difference.items())}"
            )
        wrong = [f"{package['name']} {package['installed']} and not {package['locked']}" for package in self.packages]
        unlocked = "all as locked" if current_project().lock.exists() else "there is no requirements.lock"
        return [
            *lines,
            f"packages: {', '.join(wrong) or unlocked}",
            f"environment: {self.environment['python']} on {self.environment['system']}",
            f"commit: {self.commit['hash'] or 'none'}{', with uncommitted changes' if self.commit['changed'] else ''}",
        ]


def record() -> None:
    """Record the checksums of the report as built; raises BuildError where they cannot be written."""
    reports = current_project().reports
    write(current_project().checksums, "".join(f"{file_digest(reports / name)}  {name}\n" for name in _outputs(reports)))


def recorded_checksums() -> dict[str, str]:
    """Return the recorded SHA-256 of each file of the report; raises BuildError where the list cannot be read."""
    path = current_project().checksums
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise BuildError(f"{shown(path)} cannot be read ({error}); `make notebooks` writes it anew") from error


def _outputs(folder: Path) -> list[str]:
    pages = sorted(f"{notebook.name}.html" for notebook in numbered_notebooks())
    return [name for name in (*pages, "index.html", "findings.json") if (folder / name).exists()]


def verify() -> Receipt:
    """Build the project in a clean folder, compare, write the receipt to `reports/receipt.json`, and return it.

    Raises BuildError where no checksums are recorded.
    """
    checksums = recorded_checksums()
    stored = {claim_id: finding for claim_id, (finding, _) in stored_findings().items()}
    with tempfile.TemporaryDirectory(dir=scratch.folder()) as folder:
        root = Path(folder)
        clean_copy.copy_to(root)
        errors = clean_copy.run(root, "report")
        built = root / current_project().reports.name
        entries = json.loads(_text(built / "findings.json") or "[]")
        pages = {name: file_digest(built / name) == checksum for name, checksum in checksums.items()}
        different = next((name for name, identical in pages.items() if not identical), None)
        receipt = Receipt(
            claims=len(stored),
            differing=_differing(stored, {entry["id"]: Finding.from_json(entry) for entry in entries}),
            pages=pages,
            first_difference=_first_difference(different, checksums[different], built / different) if different else None,
            errors=errors,
            packages=_not_as_locked(),
            environment=_environment(),
            commit=_commit(),
        )
    path = current_project().receipt
    path.parent.mkdir(exist_ok=True)
    write(path, as_json(asdict(receipt)))
    return receipt


def _differing(recorded: dict[str, Finding], built: dict[str, Finding]) -> list[dict[str, Any]]:
    return [
        {"id": claim_id, "recorded": _result(finding), "found": _result(built.get(claim_id))}
        for claim_id, finding in recorded.items()
        if not is_same_result(finding, built.get(claim_id))
    ]


def _result(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    verdict = str(finding.verdict) if finding.verdict else None
    return {"verdict": verdict, "recomputed": finding.recomputed, "low": finding.low, "high": finding.high}


def is_same_result(recorded: Finding, built: Finding | None) -> bool:
    """Return whether verdict and numbers are the same: within one unit of the last decimal shown, ranks exactly."""
    if built is None or recorded.verdict != built.verdict:
        return False
    tolerance = 1.001 * 10**-recorded.decimals if recorded.decimals else 0.0
    pairs = ((getattr(recorded, name), getattr(built, name)) for name in ("recomputed", "low", "high"))
    return all(
        was is now is None or (was is not None and now is not None and abs(was - now) <= tolerance) for was, now in pairs
    )


def _first_difference(name: str, digest: str, now: Path) -> dict[str, Any]:
    """Return where a page differs; with the line only if the recorded page is at hand from an earlier build."""
    difference = {"page": name, "recorded": digest, "now": file_digest(now)}
    before = current_project().reports / name
    if not now.exists() or file_digest(before) != digest:
        return difference
    pairs = zip_longest(_text(before).splitlines(), _text(now).splitlines())
    number, (was, is_now) = next((number, pair) for number, pair in enumerate(pairs, start=1) if pair[0] != pair[1])
    return difference | {"line": number, "was": (was or "")[:MAX_LINE], "is": (is_now or "")[:MAX_LINE]}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _not_as_locked() -> list[dict[str, str]]:
    """Return the packages that are installed in another version than locked; missing packages do not matter."""
    pins = (line.split(" \\")[0] for line in _text(current_project().lock).splitlines() if line and line[0] not in "# -")
    differing = []
    for pin in _requirements(pins):
        installed = _version(pin.name)
        if installed and not pin.specifier.contains(installed, prereleases=True):
            differing.append({"name": pin.name, "locked": str(pin.specifier).removeprefix("=="), "installed": installed})
    return differing


def _requirements(lines: Iterable[str]) -> list[Requirement]:
    """Return the requirements that apply on this machine."""
    requirements = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise BuildError(
                f"{shown(current_project().lock)} has a line that is no requirement ({error}); restore it"
            ) from error
        if not requirement.marker or requirement.marker.evaluate():
            requirements.append(requirement)
    return requirements


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _environment() -> dict[str, Any]:
    dependencies = [requirement.name for requirement in _requirements(requires("shockcheck") or [])]
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(),
        "packages": {name: _version(name) for name in ("shockcheck", *sorted(dependencies, key=str.lower))},
    }


def _commit() -> dict[str, Any]:
    return {"hash": _git("rev-parse", "HEAD"), "changed": _git("status", "--porcelain", "--", ".").splitlines()}


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(["git", *arguments], cwd=current_project().root, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
