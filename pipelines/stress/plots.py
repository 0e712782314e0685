"""The plots of a run, from its numbers."""

from __future__ import annotations

import math

from pipelines.reporting import plots
from pipelines.stress.summary import Summary


def all_of(summary: Summary, p99_ms: float) -> dict[str, str]:
    """Every plot by name, as SVG; those of latencies are left out when nothing was answered."""
    found = {"throughput": throughput(summary), "errors": errors(summary)}
    if summary.histogram:
        found |= {"latency": latency(summary, p99_ms), "histogram": histogram(summary, p99_ms)}
    return found


def throughput(summary: Summary) -> str:
    """Requests that arrived in each second, and right answers that went out in it.

    While there are fewer of these than of those, a queue grows.
    """
    with plots.figure("Second", "Requests a second", width=5.6, height=3.2) as axes:
        seconds = [each.second for each in summary.timeline]
        for name, color in (("arrived", plots.COLORS[3]), ("answered", plots.COLORS[0])):
            counts = [getattr(each, name) for each in summary.timeline]
            axes.step(seconds, counts, where="mid", color=color, label=name)
        axes.set_ylim(bottom=0)
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="lower right")
    return axes.svg


def latency(summary: Summary, p99_ms: float) -> str:
    """Median and 99th percentile of the requests of each second; gaps had no answer."""
    with plots.figure("Second", "Milliseconds", width=5.6, height=3.2) as axes:
        seconds = [each.second for each in summary.timeline]
        every = [p99_ms]
        for name, color in (("p50", plots.COLORS[0]), ("p99", plots.COLORS[1])):
            values = [getattr(each, name) for each in summary.timeline]
            shown = [math.nan if value is None else value for value in values]
            axes.plot(seconds, shown, color=color, label=name)
            every += [value for value in values if value is not None]
        axes.axhline(p99_ms, linestyle=":", color=plots.COLORS[3], label="limit of p99")
        axes.set_yscale("log")
        # Whole decades, so that there are always two numbers to read the axis by.
        lowest = 10 ** math.floor(math.log10(max(min(every), 1e-3)))
        axes.set_ylim(lowest, 10 ** math.ceil(math.log10(max(every) * 1.01)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="best")
    return axes.svg


def errors(summary: Summary) -> str:
    """Requests of each second that were not answered rightly."""
    with plots.figure("Second", "Failed requests", width=5.6, height=3.2) as axes:
        counts = [each.failed for each in summary.timeline]
        axes.bar([each.second for each in summary.timeline], counts, color=plots.BAD)
        axes.set_ylim(0, max(1, *counts))
        axes.locator_params(integer=True)
    return axes.svg


def histogram(summary: Summary, p99_ms: float) -> str:
    """How many requests took how long, on a logarithmic axis."""
    with plots.figure("Milliseconds", "Requests", width=5.6, height=3.2) as axes:
        low, high, counts = zip(*summary.histogram, strict=True)
        widths = [right - left for left, right in zip(low, high, strict=True)]
        axes.bar(low, counts, width=widths, align="edge")
        axes.axvline(p99_ms, linestyle=":", color=plots.COLORS[3], label="limit of p99")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.legend(loc="best")
    return axes.svg
