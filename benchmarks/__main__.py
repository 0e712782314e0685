"""`make bench`, or one measurement with `python -m benchmarks flow --rounds 1`."""

from __future__ import annotations

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = ("all", "flow", "predict", "samplers", "workers", "incremental")
    known += ("predictions", "serving", "simulate", "gateway")
    parser.add_argument("what", nargs="?", default="all", choices=known)
    parser.add_argument("--rounds", type=int, default=1, help="of the flow's comparison")
    parser.add_argument("--rows", type=int, default=10_000_000, help="to predict")
    parser.add_argument("--runs", type=int, default=2000, help="of each simulated rollout")
    parser.add_argument("--seeds", type=int, default=10, help="of the samplers' comparison")
    chosen = parser.parse_args()
    if chosen.what in ("all", "flow"):
        from benchmarks import flow_overhead

        flow_overhead.run(chosen.rounds)
    if chosen.what in ("all", "predict"):
        from benchmarks import predict

        predict.run(chosen.rows)
    if chosen.what in ("all", "samplers"):
        from benchmarks import samplers

        samplers.run(chosen.seeds)
    if chosen.what in ("all", "workers"):
        from benchmarks import workers

        workers.run()
    if chosen.what in ("all", "incremental"):
        from benchmarks import incremental

        incremental.run()
    if chosen.what in ("all", "predictions"):
        from benchmarks import predictions

        predictions.run()
    if chosen.what in ("all", "serving"):
        from benchmarks import serving

        serving.run()
    if chosen.what in ("all", "gateway"):
        from benchmarks import gateway

        gateway.run()
    if chosen.what == "simulate":  # not a measurement of this machine
        from benchmarks import simulate

        simulate.run(chosen.runs)


# Tuning workers are spawned, and load the module that started them.
if __name__ == "__main__":
    main()
