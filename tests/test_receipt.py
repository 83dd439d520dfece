"""The receipt of a build made anew: what is recorded, and what is said where claims, pages or packages differ from it."""

import json
import shutil
import subprocess

import pytest
from conftest import NOTEBOOKS, ROOT, Project, copy_to

from shockcheck.audit import receipt
from shockcheck.findings import Finding
from shockcheck.findings.finding import MIMETYPE

pytestmark = pytest.mark.slow

MULTIPLE, IMAGES = NOTEBOOKS[4], NOTEBOOKS[6]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Project:
    """Two notebooks, their outputs stored and their pages recorded, under version control. Copy it, do not change it."""
    project = copy_to(tmp_path_factory.mktemp("recorded"))
    project.keep(MULTIPLE, IMAGES)
    done = project.run("notebooks")
    assert done.returncode == 0, done.stderr
    (project.root / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    for words in ("init -q", "add .", "-c user.name=n -c user.email=n@n.example commit -qm Start"):
        subprocess.run(["git", *words.split()], cwd=project.root, check=True)
    return project


@pytest.fixture
def mine(recorded: Project, tmp_path) -> Project:
    shutil.copytree(recorded.root, tmp_path / "mine")
    return Project(tmp_path / "mine")


def verified(project: Project, status: int) -> tuple[list[str], dict]:
    done = project.run("verify")
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.splitlines(), json.loads((project.root / "reports/receipt.json").read_text(encoding="utf-8"))


def test_all_is_as_recorded(mine):
    shutil.rmtree(mine.root / ".cache")
    before = mine.reports()
    lines, found = verified(mine, 0)
    assert lines[0].startswith("claims reproduced: 3 of 3")
    assert lines[1:3] == ["pages identical: 4 of 4", "packages: there is no requirements.lock"]
    assert lines[4] == f"commit: {found['commit']['hash']}"
    assert found["commit"]["changed"] == found["differing"] == found["packages"] == []
    assert found["environment"]["packages"]["shockcheck"] and found["environment"]["python"]
    assert {name: text for name, text in mine.reports().items() if "receipt" not in name} == before
    checked = subprocess.run(["sha256sum", "--check", "CHECKSUMS.sha256"], cwd=mine.root / "reports", capture_output=True)
    assert checked.returncode == 0


def test_a_page_and_a_package_that_differ_are_named_and_are_no_fault(mine):
    """A page may differ where another version of a package draws it; the claims are what counts."""
    mine.edit(f"notebooks/{IMAGES}.ipynb", "# Text-to-image", "# Text out of image")
    (mine.root / "requirements.lock").write_text(
        "pandas==2.0.0 \\\n    --hash=sha256:0\n    # via x\nno-such-package==1.0\npytest==0.1 ; python_version < '3'\n"
    )
    lines, found = verified(mine, 0)
    assert lines[0].startswith("claims reproduced: 3 of 3")
    assert lines[1] == "pages identical: 2 of 4"
    difference = found["first_difference"]
    assert difference["page"] == f"{IMAGES}.html"
    assert ("Text-to-image" in difference["was"], "Text out of image" in difference["is"]) == (True, True)
    page = (mine.root / "reports" / difference["page"]).read_text(encoding="utf-8")
    assert page.splitlines()[difference["line"] - 1] == difference["was"]
    assert [one["name"] for one in found["packages"]] == ["pandas"]
    assert any(line.startswith("packages: pandas ") and line.endswith("and not 2.0.0") for line in lines)
    assert lines[-2].endswith(", with uncommitted changes")


def test_claims_that_differ_are_named_and_are_a_fault(mine):
    """Two recorded otherwise than they come out, and one whose notebook fails."""
    recorded_otherwise(mine, "janus-pro-geneval", recomputed=2.0)
    recorded_otherwise(mine, "janus-pro-dpg-bench", verdict="off")
    mine.edit(f"notebooks/{MULTIPLE}.ipynb", '"check(', '"1 / 0\\n", "check(')
    lines, found = verified(mine, 1)
    assert "ZeroDivisionError" in lines[0]
    assert lines[1].startswith("claims reproduced: 0 of 3")
    assert [
        (one["id"], one["found"] and (one["found"]["recomputed"], one["found"]["verdict"])) for one in found["differing"]
    ] == [
        ("nvidia-price-earnings", None),
        ("janus-pro-geneval", (1.0, "holds")),
        ("janus-pro-dpg-bench", (1.0, "holds")),
    ]
    assert "janus-pro-geneval: recorded {'verdict': 'holds', 'recomputed': 2.0" in lines[3]


def recorded_otherwise(project: Project, claim: str, **fields: object) -> None:
    path = project.root / f"notebooks/{IMAGES}.ipynb"
    node = json.loads(path.read_text(encoding="utf-8"))
    outputs = (output for cell in node["cells"] for output in cell.get("outputs", []))
    findings = (output["data"][MIMETYPE] for output in outputs if MIMETYPE in output.get("data", {}))
    next(found for found in findings if found["id"] == claim).update(fields)
    path.write_text(json.dumps(node), encoding="utf-8")


def test_where_nothing_is_recorded_there_is_nothing_to_verify(mine):
    (mine.root / "reports/CHECKSUMS.sha256").write_text("no list")
    assert "`make notebooks` writes it anew" in mine.fails("verify")
    (mine.root / "reports/CHECKSUMS.sha256").unlink()
    assert "reports/CHECKSUMS.sha256 cannot be read" in mine.fails("verify")


def test_numbers_may_differ_by_one_unit_of_the_last_digit_shown():
    """A percentage printed as "17" is shown with two decimals."""
    was = {"id": "nvidia-monday-fall", "kind": "computed", "stated": "17", "unit": "percent", "verdict": "holds"}
    was |= {"recomputed": -16.97, "low": None, "high": -9.97}
    rank = was | {"id": "nvidia-loss-record", "stated": "1", "unit": "rank", "recomputed": 1.0, "high": None}

    def is_same(before: dict, **changes: object) -> bool:
        return receipt.is_same_result(Finding.from_json(before), Finding.from_json(before | changes))

    assert is_same(was)
    assert is_same(was, recomputed=-16.98, high=-9.96)
    assert not is_same(was, recomputed=-16.99)
    assert not is_same(was, low=-18.0)
    assert not is_same(was, verdict="off")
    assert is_same(rank) and not is_same(rank, recomputed=2.0)
    assert not receipt.is_same_result(Finding.from_json(was), None)
