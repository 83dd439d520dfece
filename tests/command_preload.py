"""Imported once by the process that commands are forked from; see `command`."""

import gc
import importlib
import sys

sys.modules.setdefault("rfc3987_syntax", None)

for name in (
    "babel.numbers", "currency_converter", "exchange_calendars", "frictionless", "ipykernel.kernelapp", "IPython",
    "jinja2", "matplotlib.backends.backend_svg", "matplotlib.dates", "nbconvert", "nbformat", "pandas", "papermill",
    "pydantic", "rich.progress", "ruamel.yaml", "typer", "yfinance",
):  # fmt: skip
    importlib.import_module(name)

exchange_calendars = sys.modules["exchange_calendars"]
for exchange in ("XNAS", "XNYS", "XETR", "XTKS"):  # which the library keeps: the package asks for them in these words
    first = "1997-01-01" if exchange == "XTKS" else "1885-01-01"
    exchange_calendars.get_calendar(exchange, start=first, end="2030-12-31")
gc.freeze()  # what is there now is not looked through in every fork, and so stays shared
