"""Charts in one house style: a table in, a drawing with an alternative text made from the same numbers out."""

from shockcheck.charts.drawings import (
    Chart,
    before_and_after,
    dots,
    intervals,
    matrix,
    path,
    path_with_band,
    path_with_ribbon,
    ranked,
    spread,
)

__all__ = [
    "Chart",
    "before_and_after",
    "dots",
    "intervals",
    "matrix",
    "path",
    "path_with_band",
    "path_with_ribbon",
    "ranked",
    "spread",
]
