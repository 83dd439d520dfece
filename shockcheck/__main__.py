"""`python -m shockcheck`: the command line of `shockcheck.cli`."""

from shockcheck import surroundings

surroundings.settle()

import gc  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from contextlib import suppress  # noqa: E402

gc.set_threshold(50_000)  # looking for garbage after every 700 objects, as is usual, takes a seventh of the imports' time

# jsonschema, deep below nbformat and Frictionless, imports this package where it is installed and spends two seconds on
# compiling a grammar for addresses that nothing here validates. It is optional: without it jsonschema goes on.
sys.modules.setdefault("rfc3987_syntax", None)

from shockcheck.cli import main  # noqa: E402

status = main()
with suppress(OSError):  # whoever read what was said has gone
    sys.stdout.flush()
    sys.stderr.flush()
if "shockcheck.scratch" in sys.modules:
    sys.modules["shockcheck.scratch"].remove()
os._exit(status)  # a fifth of a second sooner than by taking pandas and the rest apart object by object
