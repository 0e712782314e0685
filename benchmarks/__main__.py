"""`make bench`, or one measurement with `python -m benchmarks flow --rounds 1`."""

from __future__ import annotations

import argparse

from benchmarks import flow_overhead, predict


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="all", choices=("all", "flow", "predict"))
    parser.add_argument("--rounds", type=int, default=1, help="of the flow's comparison")
    parser.add_argument("--rows", type=int, default=10_000_000, help="to predict")
    chosen = parser.parse_args()
    if chosen.what in ("all", "flow"):
        flow_overhead.run(chosen.rounds)
    if chosen.what in ("all", "predict"):
        predict.run(chosen.rows)


main()
