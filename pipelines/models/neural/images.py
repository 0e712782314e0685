"""What only networks for images ask for."""

from __future__ import annotations

from pipelines.errors import ModelError
from pipelines.schema import Schema

# Height, width, channels.
Image = tuple[int, int, int]


def shape_of(schema: Schema, family: str) -> Image:
    """The size of an image.

    Raises:
        ModelError: the rows are no images.
    """
    if schema.image is None:
        raise ModelError(
            f"{family} is trained on images, and these rows are columns of a table",
            where="params.yaml: train.family",
            next_step="choose keras_mlp or another family for tables; a dataset of images says "
            "so in its schema (image: height, width, channels)",
        )
    return schema.image
