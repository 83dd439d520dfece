"""Notebooks as files: their cells, claims and parameters, without running anything."""
