"""How the demo ends: what there is now, how long it took, where to look."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.views import COLORS
from pipelines.verdicts import Outcome


def show(console: Console, told: dict[str, Any]) -> None:
    """Print the story as tables."""
    versions = Table("version", "data through", "AUC on its holdout", "verdict", title="retrains")
    for result in told["retrains"]:
        holdout, interval = result["auc"]["holdout"]["auc"], result["auc"]["interval"]["auc"]
        outcome = Outcome(result["verdict"]["outcome"])
        versions.add_row(
            result["version"] or "(refused)",
            result["until"],
            f"{holdout:.3f} ({interval['low']:.3f} to {interval['high']:.3f})",
            Text(outcome.value, style=COLORS[outcome]),
        )
    console.print()
    console.print(versions)
    refused = told["retrains"][-1]["verdict"]
    console.print(Text(f"refused because of {refused['reason']}", style="red"))
    served, predicted = told["served"], told["predicted"]
    shares = ", ".join(f"{value:.0%}" for value in served["probabilities"])
    console.print(
        f"served:    {served['model']}@{served['version']} says {shares} for two flights of June"
    )
    console.print(
        f"predicted: {predicted['rows']:,} flights of June in {predicted['seconds']:.1f} s; "
        f"held to what then happened, AUC {predicted['auc']:.3f}"
    )
    total = sum(told["seconds"].values())
    console.print(f"took {total:.0f} s, peak memory {told['peak_memory_gib']:.2f} GiB")
    console.print(f"report:    {told['report']}", soft_wrap=True)
    console.print(f"the clone: {told['clone']} (delete it when you are done)", soft_wrap=True)
