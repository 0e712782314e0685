"""A fitted scikit-learn model in a file that a later training goes on from.

Written by skops, which stores attributes and arrays and no code; reading it creates objects of
the types named here and of no other.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ModelError
from pipelines.files import replacing
from pipelines.models.base import Training
from pipelines.models.parents import require_alike
from pipelines.schema import Schema

if TYPE_CHECKING:
    from pipelines.models.tabular import Tabular

FILE = "tabular.skops"
_FACTS = "tabular.json"
# Beside what skops trusts by itself, which is most of scikit-learn.
_TRUSTED = [
    "numpy.dtype",
    "skl2onnx.sklapi.cast_transformer.CastTransformer",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
_TREE = "schema.json"
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write(folder: Path, family: str, fitted: Tabular) -> None:
    """Write the model and what it is of, each file at once."""
    import skops.io

    content = skops.io.dumps({"preprocessing": fitted.preprocessing, "model": fitted.model})
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / FILE) as temporary:
        temporary.write_bytes(_canonical(content))
    facts = {"family": family, "schema": fitted.schema.to_json(), "scale": fitted.scale}
    with replacing(folder / _FACTS) as temporary:
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def read(folder: Path, family: str, training: Training) -> Tabular:
    """The model that `write` wrote, if the training can go on from it.

    Raises:
        ModelError: it is missing or damaged, of another family, or has other features or classes.
    """
    import skops.io

    from pipelines.models.tabular import Tabular

    path = folder / FILE
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        schema = Schema.from_json(facts["schema"])
        require_alike(path, (facts["family"], family), (schema, training.schema))
        found: dict[str, Any] = skops.io.loads(path.read_bytes(), trusted=_TRUSTED)
        scale = tuple(facts["scale"]) if facts["scale"] else None
        return Tabular(found["preprocessing"], found["model"], schema, family, scale)
    # skops raises whatever a damaged file makes it stumble over.
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"not a model to go on from: {type(error).__name__}: {error}",
            where=str(path),
            next_step="set train.mode to full",
        ) from error


def _canonical(content: bytes) -> bytes:
    """The same archive without what differs from run to run.

    skops calls objects, and the files of their arrays, by their addresses in memory; zip notes
    the time. The same model must give the same bytes.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w") as target:
        numbers: dict[int, int] = {}
        tree = _renumbered(json.loads(source.read(_TREE)), numbers)
        files = {_TREE: json.dumps(tree).encode()}
        for name in source.namelist():
            if name != _TREE:
                files[_renamed(name, numbers)] = source.read(name)
        for name in sorted(files):
            target.writestr(zipfile.ZipInfo(name, _NO_TIME), files[name], zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _renumbered(node: Any, numbers: dict[int, int]) -> Any:
    """The tree with addresses replaced by the order in which they appear."""
    if isinstance(node, list):
        return [_renumbered(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    if "__id__" in node:
        numbers.setdefault(node["__id__"], len(numbers))
    found = {key: _renumbered(each, numbers) for key, each in node.items()}
    if "__id__" in node:
        found["__id__"] = numbers[node["__id__"]]
    if isinstance(node.get("file"), str):
        found["file"] = _renamed(node["file"], numbers)
    return found


def _renamed(name: str, numbers: dict[int, int]) -> str:
    stem, dot, kind = name.partition(".")
    return f"{numbers[int(stem)]}{dot}{kind}" if stem.isdigit() else name
