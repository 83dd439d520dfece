"""What surrounds a build: temporary folders, a cache that cannot be written, users' settings of libraries, streams."""

import errno
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import NOTEBOOKS, ROOT

from shockcheck.errors import BuildError
from shockcheck.notebooks import execution
from shockcheck.notebooks.notebook import notebook_named
from shockcheck.project import digests, leftovers, records, scratch
from shockcheck.project import files as project_files
from shockcheck.warm import kernel

IMAGES = NOTEBOOKS[6]
RC = "axes.grid: True\nfont.size: 20\ntext.usetex: True\nsavefig.bbox: tight\nbackend: TkAgg\n"
STARTUP = "import pandas as pd\npd.options.display.max_rows = 2\npd.options.display.precision = 0\n"
CONFIG = """c = get_config()
c.InteractiveShell.ast_node_interactivity = "all"
c.InteractiveShellApp.exec_lines = ["print(1)"]
"""


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has set up everything, in ways that no build should show or stumble over."""
    for name, text in {
        "start.py": STARTUP,
        "ipython/profile_default/startup/00.py": STARTUP,
        "ipython/profile_default/ipython_config.py": CONFIG,
        "matplotlib/matplotlibrc": RC,
        "matplotlib/stylelib/default.mplstyle": RC,
        "kernels/python3/kernel.json": '{"argv": ["false"], "display_name": "Another", "language": "python"}',
    }.items():
        path = tmp_path / "user" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    user = str(tmp_path / "user")
    own = {"PYTHONSTARTUP": f"{user}/start.py", "IPYTHONDIR": f"{user}/ipython", "MPLCONFIGDIR": f"{user}/matplotlib"}
    own |= {"MPLBACKEND": "nonsense", "JUPYTER_DATA_DIR": user, "JUPYTER_PATH": user, "PYTHONWARNINGS": "error"}
    return own | {"PYTHONDEVMODE": "1", "PYTHONINSPECT": "1", "JUPYTER_DEFAULT_PROVISIONER_NAME": "nonsense"}


@pytest.mark.parametrize("arguments", [[], ["--no-warm"]], ids=["warm", "ordinary"])
def test_a_build_in_odd_surroundings_gives_the_same_page_and_leaves_nothing(project, built, settings, tmp_path, arguments):
    """A long and odd TMPDIR, no cache, no home, Windows' line ends, settings of Python, IPython, Jupyter and matplotlib."""
    project.keep(IMAGES)
    for path in [*project.root.glob("notebooks/*"), *project.root.glob("data/*.yml"), *project.root.glob("data/*.json")]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (project.root / ".cache").symlink_to("nowhere/at/all")
    (project.root / "notebooks/matplotlibrc").write_bytes(b"\xff no settings \xff")
    temporary = tmp_path / 'it\'s a "long" $HOME' / ("x" * 100)
    temporary.mkdir(parents=True)
    own = settings | {"TMPDIR": str(temporary), "HOME": os.devnull, "SHOCKCHECK_ROOT": str(project.root)}
    command = [sys.executable, "-m", "shockcheck", "report", *arguments]
    done = subprocess.run(command, env=os.environ | own, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    page = f"reports/{IMAGES}.html"
    assert project.reports()[page] == built.reports()[page]
    notes = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("  built")]
    assert notes == [
        "note: .cache cannot be written (File exists); what was built is right, but is not kept and will be built anew"
    ]
    assert files(temporary) == []


@pytest.mark.parametrize("length", [5, scratch.LONGEST, scratch.LONGEST + 1, 100, 300])
def test_sockets_have_a_short_path_below_any_folder(tmp_path, monkeypatch, length):
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="s") as base:
        folder = Path(base) / ("x" * 100) / ("y" * 100) if length > 100 else Path(base)
        folder = folder / ("z" * (length - len(str(folder)) - 1)) if length > len(str(folder)) else folder
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        base_folder = scratch._base()
        assert (base_folder == folder) == (len(str(folder)) <= scratch.LONGEST)
        made = scratch._make(base_folder)
        below = made / "pymp-12345678"
        below.mkdir()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(below / "listener-12345678"))
        scratch._ends.pop()()  # as at the end of the process
        assert not made.exists()


def test_no_folder_for_temporary_files_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "_make", lambda base: Path(tmp_path / "no" / "folder").mkdir())
    with pytest.raises(BuildError, match=r"no/folder cannot be used for temporary files \(No such file"):
        scratch.folder.__wrapped__()


@pytest.mark.parametrize(
    ("bytes_free", "files_free", "said"),
    [(4096, 1000, "is full"), (1 << 30, 3, "takes no more files"), (1 << 30, None, None), (1 << 30, 1000, None)],
)
def test_want_of_room_is_said_before_and_after_a_run(monkeypatch, bytes_free, files_free, said):
    """A file system that counts no files has zero of them."""
    numbers = (4096, 4096, 1 << 20, 0, bytes_free // 4096, files_free or 0, 0, files_free or 0, 0, 255)
    monkeypatch.setattr(scratch.os, "statvfs", lambda folder: os.statvfs_result(numbers))
    found = scratch.shortage()
    assert (said in found and "name another folder by TMPDIR" in found) if said else found is None
    if said:
        with pytest.raises(BuildError, match=f"{IMAGES}: the temporary folder .* {said}"):
            execution.run(notebook_named(IMAGES))


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (None, None),
        ("", None),
        ("some output\n", None),
        ("Traceback (most recent call last):\n  File x\nzmq.error.ZMQError: Too many open files\n", "ZMQError: Too many"),
        ("OSError: [Errno 28] No space left\nException ignored in: x\nAttributeError: no attribute\n", "OSError: "),
        ("Fatal Python error: Segmentation fault\n\nCurrent thread\n", "Fatal Python error: Segmentation fault"),
    ],
)
def test_what_a_kernel_died_of_is_told_from_its_log(tmp_path, log, words):
    if log is not None:
        (tmp_path / kernel.LOG).write_text(log)
    found = kernel.last_words(tmp_path)
    assert words in found if words else found is None


def killed(work) -> None:
    """Do the work in a fork that is killed at its end, as it is."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def test_what_a_killed_process_left_under_way_is_removed_and_nothing_else(tmp_path):
    foreign = [".other.partial", "shockcheck-1.partial", "index.html.partial"]
    for name in foreign:
        (tmp_path / name).write_text("mine")
    killed(lambda: [manager := leftovers.unfinished_folder(tmp_path), manager.__enter__(), os._exit(0)])
    killed(lambda: project_files._open_beside(tmp_path / "index.html"))
    assert len(files(tmp_path)) == 5
    handle, under_way = project_files._open_beside(tmp_path / "index.html")
    with leftovers.unfinished_folder(tmp_path) as folder:
        assert files(tmp_path) == sorted([*foreign, under_way.name, folder.name])
        project_files._remove_unfinished.cache_clear()
        project_files.write_whole(tmp_path / "a", "text")
        assert files(tmp_path) == sorted([*foreign, under_way.name, folder.name, "a"])
    os.close(handle)
    leftovers.remove_unfinished(tmp_path)
    assert files(tmp_path) == sorted([*foreign, "a"])


def test_the_folder_of_a_killed_build_is_removed_by_the_next_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "_base", lambda: tmp_path)
    (tmp_path / "shockcheck-articles").mkdir()  # a user's own
    (tmp_path / "shockcheck-articles/draft").write_text("mine")
    killed(scratch.folder.__wrapped__)
    (left,) = set(files(tmp_path)) - {"shockcheck-articles"}
    first = scratch.folder.__wrapped__()
    assert files(tmp_path) == sorted(["shockcheck-articles", first.name])
    second = scratch.folder.__wrapped__()
    assert files(tmp_path) == sorted(["shockcheck-articles", first.name, second.name])
    assert left not in files(tmp_path)


def test_a_file_keeps_its_permissions_and_a_new_one_has_those_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        project_files.write_whole(tmp_path / "new", "text")
        (tmp_path / "old").write_text("")
        (tmp_path / "old").chmod(0o664)
        project_files.write_whole(tmp_path / "old", "text")
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("new", "old")] == [0o640, 0o664]


def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path):
    project_files.write_whole(tmp_path / ("x" * 255), "text")
    assert files(tmp_path) == ["x" * 255]


def block(path: Path, how: str) -> None:
    {
        "a file": lambda: path.write_text(""),
        "a link to nowhere": lambda: path.symlink_to("nowhere/at/all"),
        "a loop": lambda: path.symlink_to(path.name),
        "read-only": lambda: path.mkdir(mode=0o555),
    }[how]()


@pytest.mark.parametrize("how", ["a file", "a link to nowhere", "a loop", "read-only"])
@pytest.mark.parametrize("place", [".cache", ".cache/report", ".cache/report/en"])
def test_an_entry_that_cannot_be_kept_is_lost_and_said(tmp_path, monkeypatch, place, how):
    """Run as another user where the tests run as root, whom no permission stops."""
    tmp_path.chmod(0o755)
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    block(tmp_path / place, how)
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        records.store(tmp_path / ".cache/report/en/index.json", records.Record({}, {}))
    finally:
        os.seteuid(os.getuid())
    assert records.loss_notice().startswith(".cache cannot be written (")
    assert records.load(tmp_path / ".cache/report/en/index.json") is None


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", ">&-", "2>&-", "> /dev/full", "| true"])
def test_streams_that_are_closed_or_full_give_no_traceback(redirection):
    command = ["bash", "-o", "pipefail", "-c", f'"$0" -m shockcheck --help {redirection}', sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    if redirection == "> /dev/full":
        assert done.returncode == 1
        said = f"a file or a stream cannot be used ({os.strerror(errno.ENOSPC)}); mend that and run again"
        assert done.stderr == f"error: {said}\n"
    elif redirection != "| true":
        assert done.returncode == 0


def test_windows_line_ends_make_no_other_ledger(tmp_path):
    for name, text in (("unix", b"a: 1\nb: 2\n"), ("windows", b"a: 1\r\nb: 2\r\n")):
        (tmp_path / name).write_bytes(text)
    assert (
        digests.text_file_digest(tmp_path / "windows")
        == digests.text_file_digest(tmp_path / "unix")
        == digests.file_digest(tmp_path / "unix")
    )
