"""A chain of two packaged versions becomes a bento of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from pipelines.inference.encode import encode_rows
from pipelines.packaging import store
from pipelines.packaging.bento import build_from
from pipelines.packaging.content import MODEL_FOLDER, copy_sources, finish
from pipelines.paths import HomePaths
from pipelines.serving import golden
from pipelines.serving.chain import Link, ServedChain
from pipelines.serving.golden import Golden
from pipelines.serving.policy import ServingPolicy


def build_chain(link: Link, tags: tuple[str, str], home: HomePaths, policy: ServingPolicy) -> str:
    """Package a chain; the same content is built once.

    Args:
        link: which model decides, and when the other is asked.
        tags: of the bentos of the first and of the second model.
        home: where those bentos are, and this one goes.
        policy: how the chain is served; those of its parts bound what each lets in.

    Returns:
        The tag, for example `flights_trip:v3.v1-0123456789ab`.

    Raises:
        ModelError: the two models do not make a chain.
        PackageError: a bento is not there or was changed, or BentoML fails.
    """

    def lay_out(context: Path) -> str:
        copy_sources(context)
        folder = context / MODEL_FOLDER
        for tag, name in zip(tags, (link.first, link.then), strict=True):
            shutil.copytree(store.model_folder(tag, home), folder / name)
        link.write(folder)
        policy.write(folder)
        chain = ServedChain.open(folder)
        _golden(folder, chain).write(folder)
        labels = {"version": chain.version, "first": tags[0], "then": tags[1]}
        return finish(context, link.name, chain.version, labels)

    return build_from(lay_out, home)


def _golden(folder: Path, chain: ServedChain) -> Golden:
    """Rows of both models side by side; where both have a column, the first one's value."""
    first, then = (golden.read(folder / part).rows for part in (chain.link.first, chain.link.then))
    rows = [
        {name: {**second, **row}[name] for name in chain.schema.features}
        for row, second in zip(first, then, strict=False)
    ]
    outputs = chain.answer(encode_rows(chain.schema, rows))
    return Golden(rows, {name: values.tolist() for name, values in outputs.items()})
