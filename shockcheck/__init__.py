"""Recomputes the checkable statements of a newspaper article about a market shock, from sourced figures."""

__version__ = "0.2.0"
