"""Exploring: a claim's number, verdict and chart by inputs that a reader chooses, and the widgets to choose them with."""

from shockcheck.explore.panel import Panel
from shockcheck.explore.recipes import (
    Change,
    Converted,
    FallingDays,
    LossRank,
    MarketLoss,
    PriceEarnings,
    TrainingCost,
    finding,
    overview,
)

__all__ = [
    "Change",
    "Converted",
    "FallingDays",
    "LossRank",
    "MarketLoss",
    "Panel",
    "PriceEarnings",
    "TrainingCost",
    "finding",
    "overview",
]
