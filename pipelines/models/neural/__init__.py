"""What the neural families share.

Belongs here: the inputs and answers of a network, its optimisers, its epochs, its checkpoints and
its export to ONNX. Does not belong here: which layers a network has; that is what a family is.

TensorFlow is loaded by `runtime` only, inside functions: importing it takes ten seconds.
"""
