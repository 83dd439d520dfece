"""What the fork server imports and makes ready once, so that no worker and no kernel has to; see `warm`.

No file of a project is read here: what a notebook reads is watched, and must be read in its own kernel.
"""

import gc
import sys
from contextlib import suppress

# jsonschema, deep below nbformat and Frictionless, imports this package where it is installed and spends two seconds on
# compiling a grammar for addresses that nothing here validates. It is optional: without it jsonschema goes on.
sys.modules.setdefault("rfc3987_syntax", None)
sys.modules.setdefault("debugpy", None)  # nor has a kernel of a build anyone to debug it: ipykernel goes on without as well

gc.set_threshold(50_000)  # looking for garbage after every 700 objects, as is usual, takes a seventh of the imports' time

with suppress(Exception):  # a kernel meets the same error when it imports what is missing, and says in which cell
    from shockcheck import kernel

    kernel.import_matplotlib()
    import ipykernel.ipkernel
    import ipykernel.kernelapp  # noqa: F401
    import matplotlib.backends.backend_svg  # noqa: F401
    import pandas as pd

    from shockcheck import charts, exchanges, findings, forensics, fx, prices, provisioner  # noqa: F401

    pd.options.display.max_columns = 20  # as pandas has it where it is imported in a kernel
gc.freeze()  # what is there now stays, shared with every fork
