"""`python -m shockcheck`: the command line of `shockcheck.cli`."""

import sys

# jsonschema, deep below nbformat and Frictionless, imports this package where it is installed and spends two seconds on
# compiling a grammar for addresses that nothing here validates. It is optional: without it jsonschema goes on.
sys.modules.setdefault("rfc3987_syntax", None)

from shockcheck.cli import main  # noqa: E402

main()
