"""What answered requests leave behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import getsizeof
from typing import Any, NamedTuple

from numpy.typing import NDArray

from pipelines.schema import CATEGORIES

# What Python's own objects take, as measured: of a record, of each request in it, of a string.
_RECORD_BYTES, _REQUEST_BYTES, _STRING_BYTES = 1024, 384, 56


class AnsweredRequest(NamedTuple):
    """One request that was answered.

    Attributes:
        request_id: what the client, or the gateway for it, calls the request.
        arrived_ns: Unix time in nanoseconds.
        door: `predict`, `rest` or `grpc`.
        is_shadow: the request was mirrored, and nobody saw its answer.
        latency_us: microseconds from its arrival to its answer.
        rows: how many of the rows are its own.
    """

    request_id: str
    arrived_ns: int
    door: str
    is_shadow: bool
    latency_us: int
    rows: int


class Answered(NamedTuple):
    """Requests that were answered together, as the server had them in hand; nothing is copied.

    Attributes:
        version: `flights@v3`; of a chain the versions of its models, `flights_trip@v3.v1`.
        requests: in the order of their rows.
        tensors: the rows as `encode_rows` made them: `numbers` float64 (rows, columns) and
            `categories` object of str (rows, columns).
        outputs: the answer, an array for each output: integers, floats or strings of shape
            (rows,), or floats of shape (rows, classes).
    """

    version: str
    requests: Sequence[AnsweredRequest]
    tensors: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]

    @property
    def rows(self) -> int:
        for tensor in self.tensors.values():
            return len(tensor)
        return 0

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, about; a string that several rows share counts for each.

        Cheap, for each answer asks: the strings are measured as one, which takes as many bytes a
        character as the widest of them needs.
        """
        size = _RECORD_BYTES + _REQUEST_BYTES * len(self.requests)
        for array in (*self.tensors.values(), *self.outputs.values()):
            size += array.nbytes
        if (words := self.tensors.get(CATEGORIES)) is not None:
            size += _STRING_BYTES * words.size + getsizeof("".join(words.ravel().tolist()))
        return size
