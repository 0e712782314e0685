"""What families of networks share; the layers of each are tested with the family."""

import pytest

from pipelines.errors import ModelError
from pipelines.models.alexnet import AlexNet
from pipelines.models.keras_cnn import KerasCnn
from pipelines.models.keras_mlp import KerasMlp
from pipelines.models.neural.family import NeuralFamily
from pipelines.registry import MODEL_FAMILIES
from pipelines.schema import Schema

FAMILIES: list[NeuralFamily] = [AlexNet(), KerasCnn(), KerasMlp()]
TABLE = Schema(("a", "b"), (), "y")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_it_goes_by_the_name_of_the_registry(family: NeuralFamily) -> None:
    assert MODEL_FAMILIES[family.name].endswith(f":{type(family).__name__}")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_its_own_knobs_are_searched_beside_those_of_all(family: NeuralFamily) -> None:
    assert family.own.keys() | {"optimizer", "epochs"} <= family.space().keys()
    assert family.space()["epochs"].default == family.epochs


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_knob_that_it_does_not_have_is_refused(family: NeuralFamily) -> None:
    with pytest.raises(ModelError, match="depth"):
        family.check({"depth": 3})


@pytest.mark.parametrize("family", [AlexNet(), KerasCnn()], ids=lambda family: family.name)
def test_convolutions_take_nothing_but_images(family: NeuralFamily) -> None:
    shape = {name: knob.default for name, knob in family.own.items()}
    with pytest.raises(ModelError, match=f"{family.name} is trained on images"):
        family.layers(shape, 1, TABLE)


def test_the_same_seed_gives_the_same_layers() -> None:
    shape = {name: knob.default for name, knob in KerasMlp.own.items()}
    first, second = (KerasMlp().layers(shape, 3, TABLE) for _ in range(2))
    assert [layer.get_config() for layer in first] == [layer.get_config() for layer in second]
