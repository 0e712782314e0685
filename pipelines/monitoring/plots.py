"""A column of a window over its reference."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.reporting.plots import COLORS, figure

_BINS = 30
# What the axis shows: a single wild value would squeeze all others into one bar.
_SHOWN = (0.005, 0.995)


def distributions(reference: pd.Series, current: pd.Series, name: str) -> str:
    """Both distributions of a number as shares of their rows; SVG."""
    before = reference.dropna().to_numpy(dtype=np.float64)
    now = current.dropna().to_numpy(dtype=np.float64)
    ends = [np.quantile(values, _SHOWN) for values in (before, now) if values.size]
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    with figure(name, "share of rows", width=4.6, height=2.6) as axes:
        for values, color, label in ((before, COLORS[3], "reference"), (now, COLORS[1], "window")):
            if values.size:
                inside = np.clip(values, edges[0], edges[-1])
                counts = np.histogram(inside, edges)[0] / values.size
                axes.stairs(counts, edges, color=color, fill=True, alpha=0.45, label=label)
                axes.stairs(counts, edges, color=color)
        axes.legend()
    return axes.svg
