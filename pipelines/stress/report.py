"""The report of a run: one page for people, one file for programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pipelines import reporting
from pipelines.files import write_json, write_text
from pipelines.stress import plots
from pipelines.stress.generator import Generated
from pipelines.stress.judge import Limits
from pipelines.stress.plan import Plan
from pipelines.stress.records import WORDS
from pipelines.stress.summary import Summary
from pipelines.verdicts import Outcome, Verdict

PAGE_FILE = "stress.html"
NUMBERS_FILE = "stress.json"
_TONES = {
    Outcome.PASSED: "good",
    Outcome.FAILED: "bad",
    Outcome.INCONCLUSIVE: "warn",
    Outcome.ERROR: "bad",
}


@dataclass(frozen=True)
class Outcomes:
    """All that a report says.

    Attributes:
        name: what was put under load, for example `flights@v3`.
        at: when, as ISO 8601.
        plan, limits: what was asked for.
        generated, summary: what came of it.
        verdict: what that means.
    """

    name: str
    at: str
    plan: Plan
    limits: Limits
    generated: Generated
    summary: Summary
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary, without the rows that were sent."""
        plan = self.plan
        return {
            "name": self.name,
            "at": self.at,
            "url": plan.url,
            "door": plan.door,
            "rate": plan.rate,
            "seconds": plan.seconds,
            "users": plan.users,
            "verdict": self.verdict.to_json(),
            "summary": self.summary.to_json(),
            "generator_cpu_share": self.generated.cpu_share,
            "problems": self.generated.problems,
        }


def write_report(outcomes: Outcomes, folder: Path) -> Path:
    """Write `stress.html` and `stress.json` into `folder`, and return the path of the page.

    Raises:
        OSError: the folder cannot be written to.
    """
    drawn = plots.all_of(outcomes.summary, outcomes.limits.p99_ms)
    page = reporting.render(
        "stress/report.html.j2",
        run=outcomes,
        verdict=outcomes.verdict,
        summary=outcomes.summary,
        plan=outcomes.plan,
        tones=_TONES,
        endings=[
            (word, outcomes.summary.endings[ending.name.lower()]) for ending, word in WORDS.items()
        ],
        # Our own SVG, whose texts matplotlib has escaped.
        plots={name: Markup(svg) for name, svg in drawn.items()},  # noqa: S704
    )
    write_json(outcomes.to_json(), folder / NUMBERS_FILE)
    write_text(page, folder / PAGE_FILE)
    return folder / PAGE_FILE
