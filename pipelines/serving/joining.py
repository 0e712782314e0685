"""Rows of several requests put together for the model, and its outputs taken apart again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def within(counts: Sequence[int], most: int) -> Iterator[slice]:
    """Requests of so many rows each, in their order, a few at a time.

    Args:
        counts: how many rows each of them has.
        most: rows at a time, unless one request has more.
    """
    begin = rows = 0
    for place, count in enumerate(counts):
        if rows and rows + count > most:
            yield slice(begin, place)
            begin, rows = place, 0
        rows += count
    if rows:
        yield slice(begin, len(counts))


def joined(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The rows of all of them, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def parted(arrays: Arrays, counts: Sequence[int]) -> Iterator[dict[str, NDArray[Any]]]:
    """To each request its rows, as views."""
    begin = 0
    for count in counts:
        end = begin + count
        yield {name: values[begin:end] for name, values in arrays.items()}
        begin = end


def chosen(arrays: Arrays, counts: Sequence[int], which: Sequence[bool]) -> Arrays:
    """The rows of some of the requests."""
    if all(which):
        return arrays
    rows = np.repeat(np.array(which), counts)
    return {name: values[rows] for name, values in arrays.items()}
