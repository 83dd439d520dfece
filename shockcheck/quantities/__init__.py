"""Quantities: numbers that remember the formula and the sourced figures they were computed from."""

from shockcheck.quantities.quantity import (
    Bar,
    Cell,
    Quantity,
    Step,
    check_above_zero,
    check_band,
    check_whole,
    derived,
    parameter,
)

__all__ = ["Bar", "Cell", "Quantity", "Step", "check_above_zero", "check_band", "check_whole", "derived", "parameter"]
