"""The Open Inference Protocol, version 2: what tritonclient, KServe and Seldon speak.

Belongs here: the protocol's words, its JSON, binary and gRPC forms. Does not belong here: what a
model answers (`served`, `answering`), and HTTP as such (`asgi`).

A model for tables takes one input a column, named as the column, of one value a row: FP64 for a
number (any other numeric type is taken as well), BYTES for a category. A model for images takes
one input, `image`, of shape [rows, height, width, channels]. A missing number is NaN (null in
JSON), a missing category is empty.
"""
