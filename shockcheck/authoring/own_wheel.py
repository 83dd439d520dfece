"""The wheel of the package that runs, packed from its own files, for a project to carry.

However shockcheck was installed (from a checkout, a wheel or an index), its wheel can be made without a network and
without a build tool: the package is plain Python, and its metadata are beside it.
"""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from shockcheck import __version__
from shockcheck.errors import ProjectError

NAME = "shockcheck"
PACKAGE = Path(__file__).resolve().parent.parent
FILE = f"{NAME}-{__version__}-py3-none-any.whl"
INFO = f"{NAME}-{__version__}.dist-info"
OF_THE_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "WHEEL", "direct_url.json", "uv_cache.json", "uv_build.json")
WHEEL = "Wheel-Version: 1.0\nGenerator: shockcheck\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
LEFT_OUT = ("__pycache__", ".cache", ".ipynb_checkpoints", ".pytest_cache", ".venv", ".python")
MODE = 0o100644 << 16  # a file that everyone may read; a zip file keeps modes in the upper half


def is_left_over(name: Path) -> bool:
    """Return whether a file of the package, or of its template, is one that installing, building or testing left there."""
    built = "reports" in name.parts[:-1] and name.name != "README.md"
    return built or not set(LEFT_OUT).isdisjoint(name.parts)


def write(folder: Path) -> Path:
    """Write the wheel into `folder` and return its path; the same package gives the same bytes.

    Raises ProjectError where the package that runs is not the one that is installed, or is not installed at all.
    """
    path = folder / FILE
    contents = dict(sorted(_package())) | dict(sorted(_metadata()))
    contents[f"{INFO}/RECORD"] = _record(contents)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)  # of no date but the first that a zip file can hold
            entry.external_attr, entry.compress_type = MODE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def _package() -> Iterator[tuple[str, bytes]]:
    for path in PACKAGE.rglob("*"):
        name = path.relative_to(PACKAGE)
        if path.is_file() and not is_left_over(name):
            yield f"{NAME}/{name.as_posix()}", path.read_bytes()


def _metadata() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the wheel's metadata: those of the installation, but for what is only about that."""
    again = f"install shockcheck {__version__} anew (in a copy of its repository: make setup) and run this again"
    try:
        installed = metadata.distribution(NAME)
    except metadata.PackageNotFoundError:
        raise ProjectError(f"shockcheck runs without being installed, so no wheel of it can be made; {again}") from None
    if installed.version != __version__:
        raise ProjectError(f"shockcheck {installed.version} is installed, but {__version__} runs; {again}")
    for file in installed.files or ():
        folder, _, name = file.as_posix().partition("/")
        if folder.endswith(".dist-info") and name not in OF_THE_INSTALLATION:
            yield f"{INFO}/{name}", file.read_binary()
    yield f"{INFO}/WHEEL", WHEEL.encode()


def _record(contents: dict[str, bytes]) -> bytes:
    """Return the wheel's list of its own files, each with checksum and size; its own line has neither."""
    lines = [f"{name},sha256={_checksum(content)},{len(content)}" for name, content in contents.items()]
    return "\n".join([*lines, f"{INFO}/RECORD,,", ""]).encode()


def _checksum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
