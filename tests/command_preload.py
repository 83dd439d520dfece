"""Imported once by the process that commands are forked from; see `command`."""

import importlib
import sys

sys.modules.setdefault("rfc3987_syntax", None)

for name in (
    "babel.numbers", "currency_converter", "exchange_calendars", "frictionless", "ipykernel.kernelapp", "IPython",
    "jinja2", "matplotlib.backends.backend_svg", "matplotlib.dates", "nbconvert", "nbformat", "pandas", "papermill",
    "pydantic", "rich.progress", "ruamel.yaml", "typer", "yfinance",
):  # fmt: skip
    importlib.import_module(name)
