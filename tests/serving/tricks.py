"""Every trick with a request that we know of, built by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipelines.schema import Schema
from pipelines.serving.inference_protocol.datatypes import NUMPY
from tests.serving.hostile import (
    ABSURD,
    JSON,
    LENGTH,
    PREDICT,
    SPELLINGS,
    good_binary,
    good_inputs,
    good_rows,
    infer_path,
)
from tests.serving.live import Raw, chunked, post


def by_hand(model: str, schema: Schema) -> Iterator[Raw]:
    """Every trick that we know of."""
    yield from _spellings(model, schema)
    yield from _shapes(model, schema)
    yield from _binaries(model, schema)
    yield from _framings(model, schema)


def _spellings(model: str, schema: Schema) -> Iterator[Raw]:
    rows, inputs = json.dumps(good_rows(schema)), json.dumps(good_inputs(schema))
    name = schema.features[0]
    for text in SPELLINGS:
        yield post(PREDICT, rows.replace("1.5", text, 1).encode(), JSON)
        yield post(PREDICT, rows.replace('"UA"', text, 1).encode(), JSON)
        yield post(infer_path(model), inputs.replace("1.5", text, 1).encode(), JSON)
        yield post(infer_path(model), inputs.replace("[2, 1]", text, 1).encode(), JSON)
        yield post(infer_path(model), inputs.replace('"7"', text, 1).encode(), JSON)
    for body in (rows, inputs):
        path = PREDICT if body is rows else infer_path(model)
        for codec in ("utf-16", "utf-32", "utf-16-le", "utf-8-sig", "utf-7", "cp037"):
            yield post(path, body.encode(codec), JSON)
        yield post(path, body.replace(f'"{name}"', '"\\ud800"').encode(), JSON)
        yield post(path, body.replace(f'"{name}"', f'"{name}", "\\ud800"', 1).encode(), JSON)
        yield post(path, body.replace("{", '{"\\ud800": 1, ', 3).encode(), JSON)
        yield post(path, body.replace("{", f'{{"{name}": 1, "{name}": 2, ', 3).encode(), JSON)
        yield post(path, body.replace("UA", "\x00").encode(), JSON)
        yield post(path, b"\xff".join(body.encode().split(b"UA")), JSON)
        yield post(path, b"[" + b"1," * 500_000 + b"1]", JSON)
        yield post(path, b'{"rows":[' + b"{}," * 300_000 + b"{}]}", JSON)
        yield post(path, b'{"inputs":[' + b"{}," * 300_000 + b"{}]}", JSON)
        yield post(path, b'"' + b"x" * 3_000_000 + b'"', JSON)
        yield post(path, b"x" * 4_500_000, JSON)
        for kind in ("application/vnd.bentoml+pickle", "text/csv", "multipart/form-data", "", "\t"):
            yield post(path, b"\x80\x04]q\x00.", {"Content-Type": kind})
        for encoding in ("gzip", "br", "deflate", "identity, gzip"):
            yield post(path, b"\x1f\x8b\x08" + b"\0" * 50, {**JSON, "Content-Encoding": encoding})


def _shapes(model: str, schema: Schema) -> Iterator[Raw]:
    for size in ABSURD:
        for shape in ([size], [size, 1], [2, size], [size, size], [size] * 9, [1] * 5000):
            for changes in ({}, {"datatype": "BOOL"}, {"data": []}, {"data": [[[]]]}):
                request = good_inputs(schema)
                request["inputs"][0] |= {"shape": shape, **changes}
                yield post(infer_path(model), json.dumps(request).encode(), JSON)
        request = good_inputs(schema)
        for one in request["inputs"]:
            one["shape"] = [size, 1]
        yield post(infer_path(model), json.dumps(request).encode(), JSON)


def _binaries(model: str, schema: Schema) -> Iterator[Raw]:
    head, tail = good_binary(schema)
    path = infer_path(model)
    for length in (*range(0, len(head) + 40, 7), *ABSURD, "x", "", "1e3", "0x10"):
        yield post(path, head + tail, {LENGTH: str(length)})
    for cut in range(0, len(tail), 3):
        yield post(path, head + tail[:cut], {LENGTH: str(len(head))})
    yield post(path, head + tail * 50, {LENGTH: str(len(head))})
    for size in (*ABSURD, 1.5, "8", None, True, [], {}):
        for place in (0, -1):
            request = json.loads(head)
            request["inputs"][place]["parameters"]["binary_data_size"] = size
            changed = json.dumps(request).encode()
            yield post(path, changed + tail, {LENGTH: str(len(changed))})
    for datatype in (*NUMPY, "BYTES", "FP8", ""):
        request = json.loads(head)
        request["inputs"][0]["datatype"] = datatype
        changed = json.dumps(request).encode()
        yield post(path, changed + tail, {LENGTH: str(len(changed))})
    for lengths in (b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x01\x00\x00\x00\xff"):
        yield post(path, head + tail[:-6] + lengths, {LENGTH: str(len(head))})


def _framings(model: str, schema: Schema) -> Iterator[Raw]:
    rows = json.dumps(good_rows(schema)).encode()
    inputs = json.dumps(good_inputs(schema)).encode()
    for path, body in ((PREDICT, rows), (infer_path(model), inputs)):
        for size in (1, 7, 4096):
            yield chunked(path, body, size)
            yield chunked(path, body, size, is_ended=False)
        yield chunked(path, b"x" * 4_500_000, 65536)
        for length in (len(body) + 1, len(body) * 1000, 2**40, -1, "x", "1, 2", 2**70):
            yield Raw(post(path, body, JSON, length).sent, is_whole=False)
        yield Raw(post(path, body, JSON, len(body) - 1).sent, is_whole=False)
        yield Raw(post(path, body, {"X-A": "a" * 100_000}).sent, is_whole=False)
        yield Raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", is_whole=False)
        yield Raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", is_whole=False)
