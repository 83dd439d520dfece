"""What the process to fork from imports in any case, after the modules that it was asked to import."""

import gc
import sys
from contextlib import suppress
from multiprocessing import spawn
from types import ModuleType

# A kernel has no need of the program's main module, which multiprocessing would run once more in each fork: a script without
# `if __name__ == "__main__"` may use warm kernels too.
for name in ("_fixup_main_from_path", "_fixup_main_from_name"):
    setattr(spawn, name, lambda main: None)

modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
modules.setdefault("debugpy", None)  # slow to import, and nobody debugs these kernels: ipykernel goes on without it
with suppress(Exception):  # a kernel meets the same error when it imports what is missing, and says so
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
if modules["debugpy"] is None:
    del modules["debugpy"]  # a notebook may import it

gc.freeze()  # what is there now stays, shared with every fork
