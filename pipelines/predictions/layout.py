"""From answered requests to one Arrow batch, a row for each row that was answered.

| column        | type                       | what                                    |
|---------------|----------------------------|-----------------------------------------|
| request_id    | string                     |                                         |
| row           | int32                      | its place in the request, from 0        |
| time          | timestamp[us, UTC]         | when the request arrived                |
| version, door | string                     |                                         |
| is_shadow     | bool                       |                                         |
| latency_us    | int64                      | of the whole request                    |
| feature_NAME  | float64 or string          | null when missing; digests are strings  |
| image         | fixed-size list of float32 | all pixels of an image, instead of them |
| output_NAME   | int64, float64, string,    |                                         |
|               | bool, or a fixed-size list | of float64                              |

The prefixes keep a feature called `time` or `version` apart from ours, whatever it is called.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.errors import LogError
from pipelines.predictions import arrays
from pipelines.predictions.digests import KEY_BYTES, digests
from pipelines.predictions.policy import LogPolicy
from pipelines.predictions.record import Answered
from pipelines.schema import CATEGORIES, MISSING_CATEGORY, NUMBERS, Schema

FEATURE = "feature_"
OUTPUT = "output_"
IMAGE = "image"
TIME = "time"
REQUEST_ID = "request_id"
ROW = "row"
TIMESTAMP = pa.timestamp("us", tz="UTC")
SETTING = "params.yaml: serve.log"

Named = tuple[str, pa.Array]
# Outputs by name, the kind of their values and what a row of them is; one Arrow schema each.
Shape = tuple[tuple[str, str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Layout:
    """Which columns are logged: those of a schema that a policy allows.

    Attributes:
        numbers, categories: places in the tensors, and names, of what is logged as it is.
        hidden_numbers, hidden_categories: of what is logged as a digest only.
        is_image: the numbers are logged as one list.
        key: what digests are made with.
    """

    numbers: tuple[tuple[int, str], ...]
    categories: tuple[tuple[int, str], ...]
    hidden_numbers: tuple[tuple[int, str], ...]
    hidden_categories: tuple[tuple[int, str], ...]
    is_image: bool
    key: bytes

    @classmethod
    def of(cls, schema: Schema, policy: LogPolicy, key: bytes | None) -> Layout:
        """Settle what is logged.

        Raises:
            LogError: the policy names columns that the model does not have, or a digest is asked
                for without a key, with a short one, or of a pixel.
        """
        _require_known(schema, policy)
        chosen = set(_chosen(schema, policy))
        hidden = set(policy.identifiers)
        is_image = schema.image is not None and chosen.issuperset(schema.numbers)
        if hidden and (key is None or len(key) < KEY_BYTES):
            raise LogError(
                f"digests need a key of at least {KEY_BYTES} bytes, and there is "
                + ("none" if key is None else f"one of {len(key)}"),
                where=f"{SETTING}.identifiers",
                next_step="give the server its key, or log no identifiers",
            )
        if is_image and hidden.intersection(schema.numbers):
            raise LogError(
                "a pixel is no identifier",
                where=f"{SETTING}.identifiers",
                next_step="name columns that are not of the image",
            )

        def places(names: Sequence[str], is_hidden: bool) -> tuple[tuple[int, str], ...]:
            found = enumerate(names)
            return tuple((i, n) for i, n in found if n in chosen and (n in hidden) == is_hidden)

        return cls(
            numbers=places(schema.numbers, False),
            categories=places(schema.categories, False),
            hidden_numbers=places(schema.numbers, True),
            hidden_categories=places(schema.categories, True),
            is_image=is_image,
            key=key or b"",
        )

    def batch(self, group: Sequence[Answered]) -> pa.RecordBatch:
        """The rows of requests whose outputs have one shape, in the order given."""
        columns = [*_meta(group), *self._features(group)]
        columns += [(OUTPUT + name, _output(group, name)) for name in group[0].outputs]
        names, values = zip(*columns, strict=True)
        return pa.RecordBatch.from_arrays(list(values), names=list(names))

    def _features(self, group: Sequence[Answered]) -> Iterator[Named]:
        if self.is_image:
            yield IMAGE, arrays.lists(_joined(group, NUMBERS).astype(np.float32))
        elif self.numbers:
            wanted = [place for place, _ in self.numbers]
            columns = arrays.measured(_joined(group, NUMBERS)[:, wanted])
            for column, (_, name) in zip(columns, self.numbers, strict=True):
                yield FEATURE + name, column
        for place, name in self.hidden_numbers:
            values = _joined(group, NUMBERS)[:, place].tolist()
            known = [None if math.isnan(value) else value for value in values]
            yield FEATURE + name, arrays.texts(digests(self.key, name, known))
        if self.categories or self.hidden_categories:
            words = _joined(group, CATEGORIES).T.tolist()
            for place, name in self.categories:
                yield FEATURE + name, arrays.texts(_known(words[place]))
            for place, name in self.hidden_categories:
                yield FEATURE + name, arrays.texts(digests(self.key, name, _known(words[place])))


def shape_of(answered: Answered) -> Shape:
    """What decides on the Arrow schema, given the layout."""
    return tuple(
        (name, output.dtype.kind, output.shape[1:]) for name, output in answered.outputs.items()
    )


def _require_known(schema: Schema, policy: LogPolicy) -> None:
    named: dict[str, Sequence[str]] = {"identifiers": policy.identifiers}
    if not isinstance(policy.features, str):
        named["features"] = policy.features
    for setting, names in named.items():
        unknown = [name for name in names if name not in schema.features]
        if unknown:
            raise LogError(
                f"the model has no columns {', '.join(unknown)}; "
                f"it has {', '.join(schema.features)[:1000]}",
                where=f"{SETTING}.{setting}",
                next_step="name features of the model",
            )


def _chosen(schema: Schema, policy: LogPolicy) -> Sequence[str]:
    if isinstance(policy.features, str):
        return schema.features if policy.features == "all" else ()
    return policy.features


def _joined(group: Sequence[Answered], tensor: str) -> NDArray[Any]:
    parts = [answered.tensors[tensor] for answered in group]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _known(words: list[str]) -> list[str | None]:
    return [None if word == MISSING_CATEGORY else word for word in words]


def _meta(group: Sequence[Answered]) -> Iterator[Named]:
    for answered in group:
        if sum(request.rows for request in answered.requests) != answered.rows:
            raise ValueError(f"{answered.rows} rows are not those of their requests")
    requests = [request for answered in group for request in answered.requests]
    rows = np.concatenate([np.arange(request.rows, dtype=np.int32) for request in requests])
    # A request of several rows says everything but its row as often as it has rows.
    each = [request for request in requests for _ in range(request.rows)]
    times = np.array([request.arrived_ns // 1000 for request in each], dtype=np.int64)
    latencies = np.array([request.latency_us for request in each], dtype=np.int64)
    versions = [answered.version for answered in group for _ in range(answered.rows)]
    yield REQUEST_ID, arrays.texts([request.request_id for request in each])
    yield ROW, arrays.fixed(rows, pa.int32())
    yield TIME, arrays.fixed(times, TIMESTAMP)
    yield "version", arrays.texts(versions)
    yield "door", arrays.texts([request.door for request in each])
    yield "is_shadow", arrays.flags([request.is_shadow for request in each])
    yield "latency_us", arrays.fixed(latencies, pa.int64())


def _output(group: Sequence[Answered], name: str) -> pa.Array:
    parts = [answered.outputs[name] for answered in group]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if values.ndim > 1:
        return arrays.lists(values.astype(np.float64))
    if values.dtype.kind == "b":
        return arrays.flags(values)
    return arrays.texts(values.tolist()) if values.dtype.kind in "OU" else arrays.numbers(values)
