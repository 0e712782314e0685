"""Plots as SVG text: one look, and the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STYLE = {
    "svg.hashsalt": "evergreen",  # otherwise element ids are random
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#93a09b",
    "axes.labelcolor": "#5d6b66",
    "xtick.color": "#5d6b66",
    "ytick.color": "#5d6b66",
    "text.color": "#1d2925",
    "axes.grid": True,
    "grid.color": "#e1e6e1",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
# As `--bad` of style.css.
BAD = "#9f2d25"
COLORS = ("#256a48", "#b9772b", "#3c5f7d", "#93a09b")


class Axes:
    """matplotlib's axes, and the SVG text once the figure is closed."""

    def __init__(self, axes: Any) -> None:
        self._axes = axes
        self.svg = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._axes, name)


@contextmanager
def figure(x_label: str, y_label: str, width: float = 6.4, height: float = 3.8) -> Iterator[Axes]:
    """Draw on the axes that are given; afterwards their `svg` holds the picture."""
    import matplotlib
    from cycler import cycler
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "axes.prop_cycle": cycler(color=COLORS)}):
        # Figure without pyplot: no global state, no display, safe in threads.
        drawn = Figure(figsize=(width, height), layout="constrained")
        axes = Axes(drawn.add_subplot())
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        yield axes
        buffer = io.StringIO()
        drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    # Only the element: the XML prologue must not stand in the middle of a page.
    text = buffer.getvalue()
    axes.svg = re.sub(r"\s+\n", "\n", text[text.index("<svg") :])
