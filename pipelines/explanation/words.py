"""What only people know of a model: the content of `data/<model>/card.yaml`."""

from __future__ import annotations

from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipelines.errors import SettingsError
from pipelines.paths import ModelPaths
from pipelines.validation import strict_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Words(BaseModel):
    """The words of a card; all of them, because a card with holes reads like a finished one.

    Attributes:
        purpose: what the model answers, and what for.
        intended_use: who may use the answer, and to decide what.
        limits: what it must not be used for, and what it cannot know.
        contact: whom to ask.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    purpose: Text
    intended_use: Text
    limits: Annotated[tuple[Text, ...], Field(min_length=1)]
    contact: Text


def read(paths: ModelPaths) -> Words | None:
    """The words of a model's card; None if nobody has written any.

    Raises:
        SettingsError: the file is there and not usable; names every key that is wrong.
    """
    file = paths.card
    try:
        content = strict_yaml.parse(file.read_text(encoding="utf-8")).value
        return Words.model_validate(content)
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = f"not readable as YAML: {error}"
    except ValidationError as error:
        wrong = (
            f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}"
            for each in error.errors()
        )
        problem = "; ".join(wrong)
    raise SettingsError(
        problem,
        where=str(file),
        next_step=f"give {', '.join(Words.model_fields)}, each in words of its own; "
        "docs/how-to/explain.md shows a whole one",
    )
