"""Put an expectation and its result into words that a person reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 8
_SUBJECTS = {"column", "column_A", "column_B", "column_list"}
_PREFIXES = (
    "expect_column_pair_",
    "expect_select_column_",
    "expect_multicolumn_",
    "expect_column_",
    "expect_",
)
# A flag that says nothing unless it is set.
_FLAGS = {"strict_min": "the minimum itself excluded", "strict_max": "the maximum itself excluded"}


def phrase(type_: str) -> str:
    """`expect_column_values_to_be_between` as "values to be between"."""
    for prefix in _PREFIXES:
        if type_.startswith(prefix):
            return type_.removeprefix(prefix).replace("_", " ")
    return type_.replace("_", " ")


def limits(kwargs: Mapping[str, Any]) -> str:
    """The arguments without the columns and `mostly`: "at least 50, at most 6000"."""
    words = []
    for key, value in kwargs.items():
        if key in _SUBJECTS or key == "mostly" or value is None:
            continue
        if key == "min_value":
            words.append(f"at least {value}")
        elif key == "max_value":
            words.append(f"at most {value}")
        elif key in _FLAGS:
            words.extend([_FLAGS[key]] if value else [])
        elif key in {"value_set", "column_set"}:
            words.append(f"of {listed(value)}")
        else:
            name = key.replace("_", " ")
            words.append(f"{name} {listed(value) if isinstance(value, list) else value}")
    return ", ".join(words)


def observed(result: Mapping[str, Any]) -> str:
    """What Great Expectations saw, from the `result` part of its answer."""
    if result.get("unexpected_count") is not None and "element_count" in result:
        return _counted(result)
    details = result.get("details") or {}
    mismatched = details.get("mismatched")
    if mismatched:
        return _mismatched(mismatched)
    value = result.get("observed_value")
    if isinstance(value, dict) and "quantiles" in value:
        pairs = zip(value["quantiles"], value["values"], strict=True)
        return ", ".join(f"{quantile:g}: {written(number)}" for quantile, number in pairs)
    if value is not None:
        return listed(value) if isinstance(value, list) else written(value)
    if result.get("partial_unexpected_list"):
        return f"also {listed(sorted(result['partial_unexpected_list'], key=str))}"
    return "no value"


def listed(values: Any) -> str:
    """The first values of a list, and how many more there are."""
    items = list(values)
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(written(item) for item in items[:_SHOWN]) + more


def written(value: Any) -> str:
    """One value; digits that only a computer sees are left out."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {written(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " | ".join(written(item) for item in value)
    return "null" if value is None else str(value)


def _counted(result: Mapping[str, Any]) -> str:
    checked = result["element_count"] - (result.get("missing_count") or 0)
    if not result["unexpected_count"]:
        return f"all {checked} values"
    return f"{result['unexpected_count']} of {checked} values break it"


def _mismatched(mismatched: Any) -> str:
    if isinstance(mismatched, dict):
        return "; ".join(f"{kind}: {listed(sorted(names))}" for kind, names in mismatched.items())
    return listed(mismatched)
