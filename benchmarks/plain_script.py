"""The floor: the code cells of every notebook as plain Python in one process, with no kernel, no pictures and no HTML.

Run in the project's folder; prints the name of each notebook that ran to its end.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "agg")
sys.modules["rfc3987_syntax"] = None  # an import of two seconds that nothing here needs; the build leaves it out too

import nbformat  # noqa: E402
from IPython.core.interactiveshell import InteractiveShell  # noqa: E402

os.chdir("notebooks")
for path in sorted(Path().glob("[0-9]*.ipynb")):
    shell = InteractiveShell.instance()
    shell.user_ns["display"] = lambda *shown, **options: None
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source, silent=True).raise_error()
    InteractiveShell.clear_instance()
    sys.stdout.write(f"{path.stem}\n")
