"""What the process to fork from imports and makes ready once, so that no worker and no kernel has to; see `kernels`.

No file of a project is read here: what a notebook reads is watched, and must be read in its own kernel.
"""

from contextlib import suppress

from shockcheck.project.imports import make_imports_quick

make_imports_quick()

with suppress(Exception):  # a kernel meets the same error when it imports what is missing, and says in which cell
    from shockcheck.warm import kernel

    kernel.import_matplotlib()
    import matplotlib.backends.backend_svg  # noqa: F401
    import pandas as pd

    pd.options.display.max_columns = 20  # as pandas has it where it is imported in a kernel
