"""What the verbs of the stack print."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views.looking import show_models
from flows.views.printing import print_json

if TYPE_CHECKING:
    from flows.stack import Started
    from pipelines.gateway.table import Fault

_IN_CLUSTER = (
    "gateway.router is kubernetes: gateway and model servers are the cluster's, none run here; "
    "`kubectl get deployments,httproutes` shows them"
)
_GOOD = {"RUNNING": "green", "STARTING": "yellow", "STOPPING": "yellow"}


def show_up(started: Started, *, as_json: bool) -> None:
    """What runs, where to ask, and what does not run."""
    stack = started.stack
    if as_json:
        print_json(_up(started))
        return
    console = Console()
    if stack is None:
        console.print(_IN_CLUSTER, soft_wrap=True)
        if started.prefect:
            console.print(f"Prefect: {started.prefect}", soft_wrap=True)
        return
    found = stack.reconciled
    changed = ", ".join(stack.changed)
    console.print(f"started: {changed}" if changed else "everything ran already")
    for model, weights in found.weights.items():
        shares = ", ".join(f"{version} {percent} %" for version, percent in weights.items())
        console.print(f"{model}: {shares}  {stack.address}/{model}/predict", soft_wrap=True)
    for model in stack.never_live:
        console.print(
            f"{model}: skipped, no version of it was ever promoted (`evergreen retrain {model}`)",
            soft_wrap=True,
        )
    for name, why in found.problems.items():
        console.print(Text(f"{name}: NOT as it should be: {why}", "red"), soft_wrap=True)
    if started.prefect:
        console.print(f"Prefect: {started.prefect}", soft_wrap=True)
    if started.dashboard:
        console.print(f"dashboard: {started.dashboard}", soft_wrap=True)
    if not stack.is_protected:
        console.print(
            Text("AUTHENTICATION IS OFF: everybody on this machine may ask everything", "bold red")
        )


def show_down(*, was_up: bool, as_json: bool) -> None:
    """Whether there was anything to end."""
    if as_json:
        print_json({"was_up": was_up})
    else:
        print("ended" if was_up else "nothing ran")


def show_fault(model: str, fault: Fault | None, *, as_json: bool) -> None:
    """A fault that was planted, or that there is none any more."""
    if as_json:
        print_json({"model": model, "fault": None if fault is None else asdict(fault)})
        return
    if fault is None:
        print(f"{model}: no faults any more")
        return
    from pipelines.stack.faults import in_words

    print(in_words(model, fault))


def show_status(found: dict[str, Any], *, as_json: bool) -> None:
    """Models, rollouts, and processes."""
    if as_json:
        print_json(found)
        return
    show_models(found["models"])
    console = Console()
    for row in found["models"]:
        if row["rollout"]:
            told = row["rollout"]
            said = f"{told['challenger']}: {told['phase']}, {told['weight_percent']} %"
            console.print(Text(f"{said}; {told['reason']}"), soft_wrap=True)
        for fault in row["faults"]:
            console.print(Text(f"on purpose: {fault['said']}", "yellow"), soft_wrap=True)
    for row in found["chains"]:
        parts = " and ".join(row["models"])
        said = row["live"] or "not routed before a version of both is live and ready"
        console.print(f"{row['chain']} ({parts}): {said}", soft_wrap=True)
    for said in _problems(found):
        console.print(Text(said, "red"), soft_wrap=True)
    if found["router"] == "kubernetes":
        console.print(_IN_CLUSTER, soft_wrap=True)
    elif not found["is_up"]:
        console.print("the stack is down; `evergreen up` starts it")
    if not found["processes"]:
        return
    table = Table("process", "state", "pid", "what")
    for each in found["processes"]:
        is_waited_for = each["state"] == "RUNNING" and each["is_ready"] is False
        shown = "not ready" if is_waited_for else each["state"].lower()
        state = Text(shown, "yellow" if is_waited_for else _GOOD.get(each["state"], "red"))
        what = each["said"] if each["pid"] is None else _what(each)
        table.add_row(each["program"], state, str(each["pid"] or "-"), Text(what))
    console.print(table)
    if found["dashboard"]:
        console.print(f"dashboard: {found['dashboard']}", soft_wrap=True)


def _problems(found: dict[str, Any]) -> Iterator[str]:
    if found["orphans"]:
        names = ", ".join(found["orphans"])
        yield f"not watched, since Supervisor was killed: {names}; `evergreen up` sees to it"
    if found["keeper"] and found["keeper"]["problem"]:
        yield f"not in line: {found['keeper']['problem']}"
    if found["teller"]:
        yield f"nobody is told: {found['teller']}"


def _what(process: dict[str, Any]) -> str:
    if process["version"] is None:
        return ""
    if process["unready"]:
        return f"since {process['seconds']:.0f} s: {process['unready']}"
    if not process["is_routed"]:
        return "no requests"
    copies = ", and copies of all" if process["is_mirror"] else ""
    return f"{process['weight_percent']} % of the requests{copies}"


def _up(started: Started) -> dict[str, Any]:
    stack = started.stack
    if stack is None:
        return {"router": "kubernetes", "prefect": started.prefect}
    found = stack.reconciled
    return {
        "router": "envoy",
        "address": stack.address,
        "is_protected": stack.is_protected,
        "changed": stack.changed,
        "never_live": stack.never_live,
        "running": sorted(found.running),
        "ready": sorted(found.ready),
        "weights": found.weights,
        "mirror": found.mirror,
        "generation": found.generation,
        "problems": found.problems,
        "prefect": started.prefect,
        "dashboard": started.dashboard,
    }
