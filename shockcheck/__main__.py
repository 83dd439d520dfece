"""`python -m shockcheck`, the same as the command `shockcheck`."""

from shockcheck.cli.start import start

start()
