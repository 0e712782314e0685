"""What a file of messages says, as plain values that two processes can compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any


def described(file: Any) -> dict[str, Any]:
    """The messages of a file with their fields, and its services with their methods."""
    return {
        "messages": {
            message.full_name: {field.name: _field(field) for field in message.fields}
            for message in _all(file.message_types_by_name.values())
        },
        "services": {
            service.full_name: {
                method.name: [method.input_type.full_name, method.output_type.full_name]
                for method in service.methods
            }
            for service in file.services_by_name.values()
        },
    }


def _all(messages: Iterable[Any]) -> Iterator[Any]:
    for message in messages:
        yield message
        yield from _all(message.nested_types)


def _field(field: Any) -> dict[str, Any]:
    return {
        "number": field.number,
        "type": field.type,
        "is_repeated": field.is_repeated,
        "of": field.message_type.full_name if field.message_type else None,
        "one_of": field.containing_oneof.name if field.containing_oneof else None,
    }
