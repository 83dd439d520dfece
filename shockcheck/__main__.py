"""`python -m shockcheck`: the command line of `shockcheck.cli`."""

import gc
import os
import sys
from contextlib import suppress

gc.set_threshold(50_000)  # looking for garbage after every 700 objects, as is usual, takes a seventh of the imports' time

# jsonschema, deep below nbformat and Frictionless, imports this package where it is installed and spends two seconds on
# compiling a grammar for addresses that nothing here validates. It is optional: without it jsonschema goes on.
sys.modules.setdefault("rfc3987_syntax", None)

from shockcheck.cli import main  # noqa: E402

status = main()
with suppress(BrokenPipeError):  # whoever read what was said has gone
    sys.stdout.flush()
    sys.stderr.flush()
os._exit(status)  # a fifth of a second sooner than by taking pandas and the rest apart object by object
