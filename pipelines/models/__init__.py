"""Model families: one file each, and one line each in `pipelines/registry.py`.

Belongs here: how a family is searched, fitted and exported to ONNX. Does not belong here: which
data it sees, what is done with the result.
"""
