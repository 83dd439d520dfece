"""What the fork server makes ready besides where several kernels are to come; one alone is sooner without."""

import gc
from contextlib import suppress

import pandas as pd

with suppress(Exception):  # a kernel meets the same error when it makes this ready itself, and says in which cell
    from shockcheck import charts, exchanges, findings, fx

    fx.known()  # reads the file of the rates
    for exchange in ("XNAS", "XNYS", "XETR", "XTKS"):  # the largest, and those of the three continents
        exchanges.calendar(exchange)
    findings.card_template()
    charts.ranked(pd.Series({"": 1.0}), "", "", digits=1)  # fonts are looked up at the first drawing
gc.freeze()
