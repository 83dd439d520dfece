"""What the process to fork from makes ready besides where several kernels are to come; one alone is sooner without.

A module of its own, since multiprocessing's fork server is told by names of modules what to import.
"""

from contextlib import suppress

with suppress(Exception):  # a kernel meets the same error when it makes this ready itself, and says in which cell
    import pandas as pd

    from shockcheck import charts
    from shockcheck.data import fx
    from shockcheck.data.market import exchanges
    from shockcheck.findings.finding import card_template

    fx.span()  # reads the file of the rates
    for exchange in ("XNAS", "XNYS", "XETR", "XTKS"):  # the largest, and those of the three continents
        exchanges.calendar(exchange)
    card_template()
    charts.ranked(pd.Series({"": 1.0}), "", "", digits=1)  # fonts are looked up at the first drawing
