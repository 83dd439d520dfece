"""What makes the imports of libraries quick, for the command line and for the process that kernels are forked from."""

import gc
import sys

GARBAGE_THRESHOLD = 50_000  # looking for garbage after every 700 objects, as is usual, takes a seventh of the imports' time
# jsonschema, deep below nbformat and Frictionless, imports this package where it is installed and spends two seconds on
# compiling a grammar for addresses that nothing here validates. It is optional: without it jsonschema goes on.
UNWANTED = "rfc3987_syntax"


def make_imports_quick() -> None:
    """Look for garbage seldom, and leave out what nothing here needs; to be called before anything slow is imported."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.modules.setdefault(UNWANTED, None)  # type: ignore[arg-type]  # how Python is told that there is no such module
