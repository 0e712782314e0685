"""Run declared rules through Great Expectations. Its import takes seconds, so it waits."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic.v1 import ValidationError  # Great Expectations is built on the first version

from pipelines.errors import SettingsError
from pipelines.validation import wording
from pipelines.validation.results import Result
from pipelines.validation.rules import Rule
from pipelines.verdicts import Outcome

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

_EXAMPLES = 5
_POSITION = "position"
# Arguments of Great Expectations that would hide an error or the rows that it is about.
_OURS = ("batch_id", "catch_exceptions", "id", "meta", "notes", "result_format", "severity")
# Which rows violate a rule, as index labels; the default names twenty.
_COMPLETE = {"result_format": "COMPLETE"}


def check(table: str, frame: pd.DataFrame, rules: Sequence[Rule]) -> list[Result]:
    """Hold one table to its rules.

    Args:
        table: what to call it in the results.
        frame: its rows; the index labels are the positions that results name.
        rules: in the order in which the results come.

    Raises:
        SettingsError: a rule names an unknown expectation, or arguments that it does not take.
    """
    if not rules:
        return []
    import great_expectations as gx

    expectations = [_build(rule, frame, place) for place, rule in enumerate(rules)]
    context = _context(gx)
    asset = context.data_sources.add_pandas("tables").add_dataframe_asset(table)
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": frame})
    suite = gx.ExpectationSuite(name=table)
    # Not the constructor: that one drops rules which differ only in severity.
    suite.expectations.extend(expectations)
    # The answer comes in an order of its own.
    answers = {
        answer.expectation_config.meta[_POSITION]: answer.to_json_dict()
        for answer in batch.validate(suite, result_format=_COMPLETE).results
    }
    return [_result(table, rule, answers.get(place)) for place, rule in enumerate(rules)]


def _context(gx: Any) -> Any:
    from great_expectations.data_context.types import base

    # Without a configuration of ours it makes a temporary folder for docs, and leaves it behind.
    configuration = base.DataContextConfig(
        store_backend_defaults=base.InMemoryStoreBackendDefaults(),
        progress_bars=base.ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=configuration)


def _build(rule: Rule, frame: pd.DataFrame, place: int) -> Expectation:
    from great_expectations.expectations.expectation_configuration import (
        ExpectationConfiguration,
    )

    kind = _kind(rule)
    ours = [key for key in _OURS if key in rule.kwargs]
    if ours:
        raise _wrong(rule, f"kwargs may not have {', '.join(ours)}", "take it out of kwargs")
    if rule.quarantines and not _names_rows(kind):
        raise _wrong(
            rule,
            f"{rule.type} is about the whole table, and cannot say which rows to take out",
            "drop `rows: quarantine`, or use an expectation about values",
        )
    configuration = ExpectationConfiguration(
        type=rule.type,
        kwargs=_fitted(rule, frame),
        severity=rule.severity.value,
        meta={_POSITION: place},
    )
    try:
        return configuration.to_domain_obj()
    except ValidationError as error:
        said = dict.fromkeys(
            f"{'.'.join(map(str, item['loc'])).removeprefix('__root__')}: {item['msg']}"
            for item in error.errors()
        )
        problem = f"{rule.type} does not take these kwargs: {'; '.join(said)}"
        raise _wrong(rule, problem, "mend the kwargs") from None


def _kind(rule: Rule) -> type:
    from great_expectations.expectations import registry

    known = registry.list_registered_expectation_implementations()
    if rule.type not in known:
        near = difflib.get_close_matches(rule.type, known, n=3)
        raise _wrong(
            rule,
            f"unknown type {rule.type!r}",
            f"did you mean {' or '.join(near)}?" if near else f"use one of: {', '.join(known)}",
        )
    kind: type = registry.get_expectation_impl(rule.type)
    return kind


def _names_rows(kind: type) -> bool:
    from great_expectations.expectations import expectation

    return issubclass(
        kind,
        (
            expectation.ColumnMapExpectation,
            expectation.ColumnPairMapExpectation,
            expectation.MulticolumnMapExpectation,
        ),
    )


def _fitted(rule: Rule, frame: pd.DataFrame) -> dict[str, Any]:
    """The arguments, with days as timestamps where the column has timestamps.

    Great Expectations compares what it is given, and a timestamp compares with no day.
    """
    kwargs = dict(rule.kwargs)
    name = kwargs.get("column")
    if name not in frame.columns or not pd.api.types.is_datetime64_any_dtype(frame[name]):
        return kwargs
    for key in ("min_value", "max_value"):
        if kwargs.get(key) is None:
            continue
        try:
            kwargs[key] = pd.Timestamp(str(kwargs[key])).to_pydatetime()
        except ValueError as error:
            raise _wrong(rule, f"{key} is no time: {kwargs[key]!r}", "write 2024-01-31") from error
    return kwargs


def _wrong(rule: Rule, problem: str, next_step: str) -> SettingsError:
    return SettingsError(problem, where=rule.where, next_step=next_step)


def _result(table: str, rule: Rule, answer: Mapping[str, Any] | None) -> Result:
    faults = (
        ["Great Expectations gave no answer"] if answer is None else sorted(set(_faults(answer)))
    )
    result: Mapping[str, Any] = answer["result"] if answer is not None else {}
    counted = "element_count" in result and result.get("unexpected_count") is not None
    checked = result["element_count"] - (result.get("missing_count") or 0) if counted else None
    if faults:
        outcome, seen = Outcome.ERROR, "; ".join(faults)[:300]
    elif checked == 0:
        # Great Expectations lets a column without values pass; nothing was seen to hold.
        outcome, seen = Outcome.INCONCLUSIVE, "there is no value to check"
    else:
        is_held = answer is not None and answer["success"] is True
        outcome = Outcome.PASSED if is_held else Outcome.FAILED
        seen = wording.observed(result)
    return Result(
        table=table,
        rule=wording.phrase(rule.type),
        columns=rule.columns,
        severity=rule.severity,
        outcome=outcome,
        expected=wording.limits(rule.kwargs),
        observed=seen,
        next_step=f"look at the source, or change the rule: {rule.where}",
        checked=checked,
        unexpected=result["unexpected_count"] if counted else None,
        examples=_examples(result) if counted else (),
        positions=tuple(result.get("unexpected_index_list") or ()) if rule.quarantines else (),
        mostly=float(rule.kwargs.get("mostly", 1.0)),
        why=rule.why,
        type=rule.type,
    )


def _faults(answer: Mapping[str, Any]) -> Iterator[str]:
    """What went wrong inside: one entry for the rule, or one for each thing it measures."""
    info = answer["exception_info"]
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry["raised_exception"]:
            # The message alone; a traceback above it names paths of this machine.
            lines = str(entry["exception_message"]).strip().splitlines()
            yield lines[-1] if lines else "failed without a word"


def _examples(result: Mapping[str, Any]) -> tuple[str, ...]:
    values = (item for item in result["partial_unexpected_list"] if item is not None)
    seen = dict.fromkeys(wording.written(item) for item in values)
    return tuple(seen)[:_EXAMPLES]
