"""How a model server behaves under load: open-loop requests, what came of them, a verdict.

Here belong the plan of a run, the process that sends it (Locust), the numbers, the judgement and
the page. Starting a server does not (that is packaging's), nor does comparing servers with each
other (that is what `benchmarks/` is for).

Only `pipelines.stress.locustfile` may import locust: gevent patches the standard library of any
process that does.
"""

from pipelines.stress.doors import DOORS, Door
from pipelines.stress.generator import generate
from pipelines.stress.judge import Limits, judge
from pipelines.stress.plan import Plan
from pipelines.stress.report import write_report
from pipelines.stress.summary import Summary, summarize
from pipelines.stress.target import Target

__all__ = [
    "DOORS",
    "Door",
    "Limits",
    "Plan",
    "Summary",
    "Target",
    "generate",
    "judge",
    "summarize",
    "write_report",
]
