"""Reading params.yaml, and saying what is wrong with it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from pipelines.errors import SettingsError
from pipelines.settings.models import PARAMS_FILE, ChainSettings, ModelSettings, Settings

_MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CREDENTIALS = re.compile(r"://[^\s'\"]*@")
# Of an address that is told something, all of it may be a secret.
_ADDRESS = re.compile(r"://[^\s'\"]*")
_SHOWN = 60


def load(root: Path) -> Settings:
    """Read and check `params.yaml` in `root`.

    Raises:
        SettingsError: the file is missing or not YAML, or a key is missing, extra or wrong.
            Every wrong key is named, with what is allowed there.
    """
    return parse(read_params(root))


def read_params(root: Path) -> dict[str, Any]:
    """The plain content of `params.yaml`, unchecked but for being a mapping."""
    path = root / PARAMS_FILE
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            "the file is missing",
            where=str(path),
            next_step="run in the root of an Evergreen project, where params.yaml is",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"not readable as YAML: {error}", where=str(path), next_step="mend the line named"
        ) from error
    if not isinstance(content, dict):
        raise SettingsError(
            f"holds {type(content).__name__}, not a mapping",
            where=str(path),
            next_step="begin it with `models:`",
        )
    return content


def parse(content: dict[str, Any]) -> Settings:
    """Check the content of a params.yaml.

    Raises:
        SettingsError: as `load` does.
    """
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise _explain(error) from None
    for section, name in [
        *(("models", name) for name in settings.models),
        *(("chain", name) for name in settings.chain),
    ]:
        if not _MODEL_NAME.fullmatch(name):
            raise SettingsError(
                f"{name!r} is not a model name",
                where=f"{PARAMS_FILE}: {section}.{name}",
                next_step="use lower-case letters, digits and _ only, at most 40, a letter first",
            )
    return settings


def _explain(error: ValidationError) -> SettingsError:
    problems = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            problems.append(f"{key}: unknown key{_suggest(item['loc'])}")
        elif item["type"] == "missing":
            problems.append(f"{key}: missing")
        else:
            # A URL may hold a password, wherever in the section the fault is.
            seen = _CREDENTIALS.sub("://***@", repr(item["input"]))
            if item["loc"][:1] == ("alerts",):
                seen = _ADDRESS.sub("://***", seen)
            seen = seen if len(seen) <= _SHOWN else f"{seen[:_SHOWN]}..."
            problems.append(f"{key}: {item['msg'].removeprefix('Value error, ')} (seen: {seen})")
    return SettingsError(
        "; ".join(problems),
        where=PARAMS_FILE,
        next_step="mend the keys named; docs/reference/params.md explains each",
    )


def _suggest(location: tuple[int | str, ...]) -> str:
    """The keys that are allowed where an unknown one stands, the nearest first."""
    # models.NAME stands for any name, the name of a section among them.
    named: dict[int | str, type[BaseModel]] = {"models": ModelSettings, "chain": ChainSettings}
    is_named = len(location) > 1 and location[0] in named
    model: type[BaseModel] = named[location[0]] if is_named else Settings
    for part in location[2:-1] if is_named else location[:-1]:
        annotation = _fields(model)[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return ""  # names of people's own, as those of tiers are
        model = annotation
    allowed = list(_fields(model))
    near = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{hint}; allowed: {', '.join(allowed)}"


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a section by the names that params.yaml uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}
