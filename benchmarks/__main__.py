"""`make bench`, or one measurement with `python -m benchmarks flow --rounds 1`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

# What each measurement runs, and the option that says how much of it.
MEASUREMENTS = {
    "intervals": ("intervals", None),
    "flow": ("flow_overhead", "rounds"),
    "predict": ("predict", "rows"),
    "samplers": ("samplers", "seeds"),
    "workers": ("workers", None),
    "incremental": ("incremental", None),
    "compress": ("compress", "splits"),
    "predictions": ("predictions", None),
    "serving": ("serving", None),
    "gateway": ("gateway", None),
    "monitor": ("monitor", "window"),
}
# Minutes each, and by name only: an endurance run, a wait between events, and those that do not
# depend on the machine.
BY_NAME = {
    "endurance": ("endurance", None),
    "trigger": ("trigger", "events"),
    "simulate": ("simulate", "runs"),
    "simulate-monitor": ("monitor_simulate", "years"),
    "year": ("year", "write"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ("all", *MEASUREMENTS, *BY_NAME)
    parser.add_argument("what", nargs="?", default="all", choices=known)
    parser.add_argument("--rounds", type=int, default=1, help="of the flow's comparison")
    parser.add_argument("--rows", type=int, default=10_000_000, help="to predict")
    parser.add_argument("--events", type=int, default=10, help="that start a flow run")
    parser.add_argument("--window", type=int, default=1_000_000, help="rows of a window")
    parser.add_argument("--years", type=int, default=100, help="of a simulated monitor")
    parser.add_argument("--runs", type=int, default=2000, help="of each simulated rollout")
    parser.add_argument("--splits", type=int, default=5, help="of the compressions' comparison")
    parser.add_argument("--seeds", type=int, default=10, help="of the samplers' comparison")
    parser.add_argument("--write", type=Path, help="the page of the year")
    chosen = parser.parse_args()
    wanted = (
        MEASUREMENTS
        if chosen.what == "all"
        else {chosen.what: {**MEASUREMENTS, **BY_NAME}[chosen.what]}
    )
    for module, option in wanted.values():
        run: Callable[..., None] = import_module(f"benchmarks.{module}").run
        run(*([] if option is None else [getattr(chosen, option)]))


# Tuning workers are spawned, and load the module that started them.
if __name__ == "__main__":
    main()
