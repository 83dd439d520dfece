"""What a notebook's run reads, noted where it happens, so that its page is built again when that has changed.

In the kernels of a build an audit hook (PEP 578) sees every file that Python opens, every folder that it lists and every
module that it imports, whoever asks for it; the environment notes which of its variables a notebook's own code looks up.
What happens outside of Python cannot be seen: other programs, libraries in C that open files by themselves, the network.
That such a thing was used is noted instead, and the page is then built every time.
"""

import os
import site
import sys
import sysconfig
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from importlib.util import source_from_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import unquote

from shockcheck.project.context import current_run, is_unnoted, note, unnoted_reads
from shockcheck.project.inputs import LISTING, PRESENCE, UNWATCHED, VARIABLE
from shockcheck.project.paths import PACKAGE, current_project, shown

# Libraries whose compiled parts open no file but by Python. Any other may read by itself, as DuckDB and pyarrow do.
OPEN_BY_PYTHON = {
    *("numpy", "pandas", "scipy", "matplotlib", "PIL", "kiwisolver", "contourpy", "markupsafe", "ruamel", "_ruamel_yaml"),
    *("pydantic_core", "zmq", "tornado", "psutil", "charset_normalizer", "rpds", "IPython", "shockcheck", "mpl_toolkits"),
    *("curl_cffi", "_cffi_backend", "websockets", "google"),  # which ask for live prices: those are noted by themselves
}
# Compiled parts of these, and of Python's own library, that open files without its knowledge all the same.
BY_THEMSELVES = {"_dbm", "_gdbm", "PIL._imagingft", "scipy.io._fast_matrix_market._fmm_core"}
# Set by a build, by Jupyter and by ipykernel in every kernel, and so no input of a page.
OF_THE_KERNEL = {
    *("JUPYTER_PATH", "MPLBACKEND", "TERM", "CLICOLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PAGER", "GIT_PAGER"),
    *("COLUMNS", "LINES"),
}
HANDING_ON = {__name__, "os", "posixpath", "genericpath", "collections.abc"}
HANDING_ON |= {"pathlib", "pathlib._abc", "pathlib._local", "pathlib._os"}  # its parts have other names in every version
PROGRAM = "it ran another program, and what that reads cannot be seen"
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.forkpty", "pty.spawn"}
# Modules that start children by a new interpreter and not by a fork.
INTERPRETERS = ("multiprocessing.popen_spawn_posix", "multiprocessing.popen_forkserver", "loky.", "joblib.externals.loky.")
SYSTEM = tuple(f"/{name}/" for name in ("proc", "sys", "dev", "etc", "usr", "run", "lib", "lib64", "bin", "sbin"))
# Where libraries keep what they made for themselves, as matplotlib does the names of the fonts.
OF_LIBRARIES = [str(Path.home() / name) for name in (".cache", ".config", ".local", ".ipython", ".jupyter", ".matplotlib")]


def watch() -> None:
    """Note from now on what this process and its forks read, where a build asks for it; for the length of the process."""
    log = current_run().reads
    if log is None:
        return
    import pandas  # noqa: F401  with whatever libraries it uses where they are installed, which the notebook did not ask for

    sys.path_hooks.insert(0, _own_modules)
    sys.path_importer_cache.clear()
    hook = _Hook(Path(log).parent)
    os.environ.__class__ = _NotingEnvironment
    for name in ("stat", "lstat", "access"):  # which no event is raised for
        setattr(os, name, hook.noting(getattr(os, name)))
    sys.addaudithook(hook)


class _Hook:
    """The audit hook: notes what an event says was read. Errors of its own never reach the notebook's code."""

    def __init__(self, scratch: Path) -> None:
        """`scratch` is the run's own temporary folder."""
        kept = current_project().root / ".cache"  # by the package itself, such as live prices
        every = (*_environments(), str(PACKAGE), str(scratch), str(kept), *OF_LIBRARIES)
        folders = {f"{folder}{os.sep}" for folder in every if not current_project().root.is_relative_to(folder)}
        self._left_out_inside = tuple(folder for folder in folders if Path(folder).is_relative_to(current_project().root))
        self._left_out_outside = (*folders, *SYSTEM)
        self._written: set[str] = set()
        self._noted: set[str] = set()
        self._events: dict[str, Callable[..., None]] = {
            "open": self._opened,
            "os.listdir": self._listed,
            "os.scandir": self._listed,
            "sqlite3.connect": self._read,
            "import": self._imported,
            "ctypes.dlopen": self._loaded,
            "socket.connect": self._connected,
            "socket.sendto": self._connected,
            "socket.sendmsg": self._connected,
            **dict.fromkeys(PROGRAMS, self._ran),
        }

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = self._events.get(event)
        if handler and not is_unnoted():
            with unnoted_reads():  # what follows reads as well
                try:
                    handler(*arguments)
                except Exception as error:
                    self._unwatched(f"{event} could not be followed ({type(error).__name__})")

    def noting(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same function of `os`, which notes a file whose presence or size a notebook's own code asks for."""

        @wraps(look)
        def noted(path: Any, *arguments: Any, **named: Any) -> Any:
            if not is_unnoted() and isinstance(path, str | bytes | os.PathLike) and _is_asked_by_a_notebook():
                with unnoted_reads():
                    file = _absolute(path)
                    if file not in self._written and self._counts(file):
                        self._note(f"{PRESENCE if Path(file).is_dir() else ''}{shown(Path(file))}")
            return look(path, *arguments, **named)

        return noted

    def _opened(self, path: Any, mode: str | None, flags: int) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor of a file that was opened before
        begins_anew = any(sign in mode for sign in "wx") if mode else bool(flags & (os.O_TRUNC | os.O_EXCL))
        adds = "a" in mode if mode else bool(flags & os.O_APPEND)
        if begins_anew or (adds and not Path(os.fsdecode(path)).exists()):
            self._written.add(_absolute(path))
        elif not adds and (mode or flags & os.O_ACCMODE != os.O_WRONLY):
            self._read(path)

    def _read(self, path: Any, *_: Any) -> None:
        file = _absolute(_of_address(path))
        if file.endswith(".pyc"):
            with suppress(ValueError):
                file = source_from_cache(file)
        if file not in self._written and self._counts(file):
            self._note(shown(Path(file)))

    def _listed(self, path: Any, *_: Any) -> None:
        if isinstance(path, int) or _is_an_import():
            return
        folder = _absolute(path or ".")
        if self._counts(f"{folder}{os.sep}"):
            self._note(f"{LISTING}{shown(Path(folder))}")

    def _imported(self, module: str, file: str | None, *_: Any) -> None:
        package = module.partition(".")[0]
        if module.startswith(INTERPRETERS):
            self._unwatched("it started another interpreter, and what that reads cannot be seen")
        if file and self._counts(file):
            self._note(shown(Path(file)))  # a compiled module of the project's own
        elif file and (module in BY_THEMSELVES or (package not in OPEN_BY_PYTHON and not _is_of_pythons_library(file))):
            self._unwatched(f"it loaded {package.lstrip('_')}, which may read files without Python's knowledge")
        elif (
            not file and package not in sys.stdlib_module_names and _is_asked_by_a_notebook() and not _is_installed(package)
        ):
            for name in (f"{package}.py", f"{package}/__init__.py"):  # looked for, whether there is such a module or not
                self._note(shown(Path(_absolute(name))))

    def _loaded(self, library: Any, *_: Any) -> None:
        if library:
            self._unwatched(f"it loaded the library {os.fsdecode(library)}, which may read files without Python's knowledge")

    def _connected(self, *_: Any) -> None:
        self._unwatched("it asked another computer or process over the network")

    def _ran(self, *_: Any) -> None:
        by = _caller().f_globals.get("__name__", "").partition(".")[0]
        if by != "matplotlib":  # which asks for the system's fonts
            self._unwatched(PROGRAM)

    def _counts(self, file: str) -> bool:
        """Return whether a file is an input of the page, and not of the environment, of the system or of the run itself."""
        inside = Path(file).is_relative_to(current_project().root)
        return not file.startswith(self._left_out_inside if inside else self._left_out_outside)

    def _unwatched(self, why: str) -> None:
        self._note(f"{UNWATCHED}{why}")

    def _note(self, name: str) -> None:
        if name not in self._noted:
            self._noted.add(name)
            note(name)


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100  a link is an input by its own name


def _environments() -> set[str]:
    """Return the folders of the interpreter and of what is installed: these are known by versions, not by files."""
    return {os.path.realpath(path) for path in _installed()} | set(_installed())


def _installed() -> list[str]:
    paths = sysconfig.get_paths()
    environment = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [*environment, sys.prefix, sys.base_prefix, site.getusersitepackages()]


def _is_installed(package: str) -> bool:
    """Return whether a package comes from the environment, where its version tells what it is."""
    folders = (Path(sysconfig.get_paths()[kind]) for kind in ("purelib", "platlib"))
    return any((folder / package).exists() or next(folder.glob(f"{package}.*"), None) for folder in folders)


def _is_of_pythons_library(file: str) -> bool:
    return file.startswith(sysconfig.get_paths()["stdlib"]) and "site-packages" not in file


def _of_address(path: Any) -> Any:
    """Return the file that a database's address leads to, as in 'file:a.db?mode=ro'; any other path as it is."""
    if isinstance(path, str) and path.startswith("file:"):
        return unquote(path.removeprefix("file:").removeprefix("//").partition("?")[0])
    return path


def _caller() -> FrameType:
    """Return the frame that caused an event: the nearest that is not of this module and not of Python's own library."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_globals.get("__name__") == __name__ or _is_of_python(frame)):
        frame = frame.f_back
    return frame


def _is_asked_by_a_notebook() -> bool:
    """Return whether a notebook's own code asks for something, be it through a function that only hands it on."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_globals.get("__name__") in HANDING_ON or _is_of_importlib(frame)):
        frame = frame.f_back
    return _is_a_notebooks(frame)


def _is_of_importlib(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith("<frozen importlib")


def _is_an_import() -> bool:
    """Return whether what happens serves to find a module, or to look up what is installed."""
    frame: FrameType | None = sys._getframe(1)
    while frame and not _is_a_notebooks(frame):
        if frame.f_globals.get("__name__", "").lstrip("_").startswith(("importlib", "frozen_importlib")):
            return True
        frame = frame.f_back
    return False


def _is_of_python(frame: FrameType) -> bool:
    """Return whether a frame is of Python's own library, but for what imports modules."""
    file = frame.f_code.co_filename
    if file.startswith("<frozen "):
        return not file.startswith("<frozen importlib")
    return _is_of_pythons_library(file)


class _NotingEnvironment(os._Environ[str]):
    """The environment, which notes the variables that a notebook's own code, or a module of its own, looks up."""

    def __getitem__(self, name: str) -> str:
        if _is_asked_by_a_notebook() and name not in OF_THE_KERNEL and not name.startswith(("SHOCKCHECK_", "JPY_")):
            with unnoted_reads():
                note(f"{VARIABLE}{name}")
        return super().__getitem__(name)


def _is_a_notebooks(frame: FrameType) -> bool:
    """Return whether a frame is of a notebook's cell or of a module that lies beside it."""
    file = frame.f_code.co_filename
    return not file.startswith(("<frozen", str(PACKAGE), *_installed()))


class _FromSource(SourceFileLoader):
    """Loads a module from its source alone: bytecode is told apart by seconds, and a file may be saved twice in one."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the module's code, compiled now."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _own_modules(folder: str) -> FileFinder:
    """Return the finder for the project's own modules; raises ImportError for any other folder, as import hooks do."""
    with unnoted_reads():
        path = os.path.realpath(folder or ".")
        is_own = Path(path).is_relative_to(current_project().root.resolve()) and not path.startswith(
            (str(PACKAGE), *_environments())
        )
    if not is_own:
        raise ImportError(folder)
    return FileFinder(folder or ".", (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromSource, SOURCE_SUFFIXES))
