"""YAML that remembers its lines, and refuses a key that is written twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Parsed:
    """The content of a file, and the line (from 1) on which each of its parts begins."""

    value: Any
    lines: dict[Path, int]


class _Loader(yaml.SafeLoader):
    """PyYAML keeps the last of two equal keys in silence; here that would drop a list of rules."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is written twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def parse(text: str) -> Parsed:
    """Parse one document.

    Raises:
        yaml.YAMLError: it is not YAML, or a mapping has a key twice.
    """
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Parsed(None, {})
        return Parsed(loader.construct_document(node), dict(_lines(node, ())))
    finally:
        loader.dispose()


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _lines(item, (*path, number))
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield from _lines(item, (*path, str(key.value)))
