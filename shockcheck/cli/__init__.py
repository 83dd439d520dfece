"""The command line: `shockcheck`, or `python -m shockcheck`."""
