"""Rows of several requests put together for the model, and its outputs taken apart again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.inference.encode import Tensors


def joined(parts: Sequence[Tensors]) -> Tensors:
    """The rows of all of them, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def parted(arrays: Tensors, counts: Sequence[int]) -> Iterator[Tensors]:
    """To each request its rows, as views."""
    begin = 0
    for count in counts:
        end = begin + count
        yield {name: values[begin:end] for name, values in arrays.items()}
        begin = end


def chosen(arrays: Tensors, counts: Sequence[int], which: Sequence[bool]) -> Tensors:
    """The rows of some of the requests."""
    if all(which):
        return arrays
    rows = np.repeat(np.array(which), counts)
    return {name: values[rows] for name, values in arrays.items()}
