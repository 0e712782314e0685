"""The load itself: real Locust, against the real server and against servers that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import psutil
import pytest

from pipelines.errors import StressError
from pipelines.packaging.server import running
from pipelines.ports import LOOPBACK, free_port
from pipelines.stress import Limits, generate, judge, summarize
from pipelines.stress.generator import NOTES_FILE, RECORDS_FILE, Generated, _collect
from pipelines.stress.plan import Plan
from pipelines.stress.records import Ending, pack
from pipelines.verdicts import Outcome
from tests.architecture.source import ROOT
from tests.packaged import Packaged
from tests.stress.conftest import Planned


def sent(plan: Plan) -> Generated:
    return generate(plan, lambda done, total: None)


def endings(generated: Generated) -> Counter[str]:
    judged = generated.records[generated.records["due"] >= 0]
    return Counter(Ending(code).name for code in judged["ending"].tolist())


# Takes the number of a request, and gives status and body; None hangs up.
Behaviour = Callable[[int], tuple[int, bytes] | None]


@contextmanager
def behaving(behaviour: Behaviour) -> Iterator[str]:
    """The URL of a real HTTP server that answers its requests so."""
    numbers = iter(range(10**6))

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = behaviour(next(numbers))
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            self.send_response(status)
            self.send_header("Location", "http://192.0.2.1/")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Keep the output of the tests clean."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def predicted(probability: float = 0.5, version: str = "v3") -> bytes:
    value = {"model": "flights", "version": version, "probabilities": [probability]}
    return json.dumps(value).encode()


def test_a_bento_stands_a_load(packaged: Packaged, planned: Planned, tmp_path: Path) -> None:
    log, told = tmp_path / "server.log", []
    with running(packaged.tag, packaged.home, 60, log) as server:
        plan = planned(f"http://{server.host}:{server.port}", rate=150.0, seconds=3.0)
        generated = generate(plan, lambda done, total: told.append((done, total)))
    seen = summarize(generated.records, plan.seconds)

    assert len(generated.records) == plan.arrivals == 525
    assert seen.endings["answered"] == seen.requests == 450, generated.problems
    assert seen.offered_rate == 150.0
    assert seen.latency["p50"] >= seen.service["p50"] > 0
    assert 0 < generated.cpu_share < 1
    assert told[-1] == (525, 525)
    assert told == sorted(told)
    assert any(0 < done < 525 for done, _ in told)
    # The exact latency is the machine's business; that one was measured is ours.
    assert judge(seen, Limits(10_000, 5), generated.cpu_share).outcome is Outcome.PASSED


def test_the_protocols_doors_stand_a_load(
    packaged: Packaged, planned: Planned, tmp_path: Path
) -> None:
    short = {"rate": 60.0, "seconds": 1.5}
    with running(packaged.tag, packaged.home, 60, tmp_path / "server.log") as server:
        rest = sent(planned(f"http://{server.host}:{server.port}", "v2", **short))
        rpc = f"http://{server.host}:{server.grpc_port}"
        grpc = sent(planned(rpc, "grpc", **short))
        wrong = sent(planned(rpc, "grpc", version="v9", **short))
        strange = sent(planned(rpc, "grpc", path="/inference.GRPCInferenceService/No", **short))
    for generated in (rest, grpc):
        assert endings(generated) == {"ANSWERED": 90}, generated.problems
        assert generated.problems == {}
    assert endings(wrong) == {"WRONG": 90}
    assert endings(strange) == {"REFUSED": 90}
    assert list(strange.problems) == ["UNIMPLEMENTED: Method not found!"]
    assert endings(sent(planned(rpc, "grpc", **short))) == {"NO_ANSWER": 90}


def test_every_way_to_fail_is_counted_and_a_stall_is_not_omitted(planned: Planned) -> None:
    """100 requests, each tenth of them another failure, and a stall of one second at the 50th."""
    answers: dict[int, tuple[int, bytes] | None] = {
        1: (503, b"busy"),
        2: (200, predicted(0.9)),
        3: (200, predicted(version="v2")),
        4: (200, b"<html>"),
        5: (302, b""),
        6: None,
    }
    stalled = threading.Lock()

    def behave(number: int) -> tuple[int, bytes] | None:
        if number == 50:
            with stalled:
                time.sleep(1.0)
        with stalled:
            return answers.get(number % 10, (200, predicted()))

    with behaving(behave) as url:
        # One row, so that the made-up answers are right or wrong whoever sends them.
        row = planned(url).bodies[:1]
        generated = sent(
            planned(url, bodies=row, expected=((0.5,),), warm_up_seconds=0.0, seconds=2.0, users=4)
        )

    assert endings(generated) == {"ANSWERED": 40, "REFUSED": 20, "WRONG": 30, "NO_ANSWER": 10}
    words = Counter(generated.problems)
    assert words["status 503"] == words["status 302"] == 10
    assert words["not what training answered"] == words["answered by v2, not by v3"] == 10
    assert sum(words.values()) == 60
    found = generated.records
    late = 1e3 * (found["done"] - found["due"])
    taken = 1e3 * (found["done"] - found["sent"])
    # Four connections stood still; the arrivals of that second, fifty, were late all the same.
    assert (taken > 300).sum() <= 8
    assert (late > 300).sum() >= 30
    assert late.max() > 900


def test_a_generator_that_fails_says_why(planned: Planned) -> None:
    with pytest.raises(StressError, match="exit code 1") as caught:
        sent(planned("http://127.0.0.1:1", door="window"))

    assert "KeyError: 'window'" in caught.value.problem
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("left", ["nothing", "no notes", "half the records", "notes of nothing"])
def test_less_than_the_plan_is_a_fault(planned: Planned, tmp_path: Path, left: str) -> None:
    plan = planned("http://127.0.0.1:1")
    whole = pack(0.0, 0.0, 1.0, 200, Ending.ANSWERED, True) * plan.arrivals
    if left != "nothing":
        kept = whole[: len(whole) // 2] if left == "half the records" else whole
        (tmp_path / RECORDS_FILE).write_bytes(kept)
    if left != "no notes":
        notes = {} if left == "notes of nothing" else {"cpu_share": 0.1, "problems": {}}
        (tmp_path / NOTES_FILE).write_text(json.dumps(notes))

    with pytest.raises(StressError, match=r"left no records|sent 62 of 125 requests"):
        _collect(plan, tmp_path)


@pytest.mark.slow
def test_the_load_ends_with_who_asked_for_it(planned: Planned, tmp_path: Path) -> None:
    planned(f"http://{LOOPBACK}:{free_port()}", seconds=120.0).write(tmp_path / "plan.json")
    code = """
import sys
from pathlib import Path
from pipelines.stress import Plan, generate
generate(Plan.read(Path(sys.argv[1])), lambda done, total: print(done, flush=True))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "plan.json")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() == "0\n":
        pass
    [generator] = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()

    assert generator in psutil.wait_procs([generator], timeout=60)[0]


@pytest.mark.slow
def test_nobody_there_is_a_run_of_errors(planned: Planned) -> None:
    generated = sent(planned(f"http://{LOOPBACK}:{free_port()}", rate=200.0))

    assert endings(generated) == {"NO_ANSWER": 400}
    [problem] = generated.problems
    assert "refused" in problem.casefold()


@pytest.mark.slow
def test_a_server_that_hangs_does_not_hold_the_run_up(planned: Planned) -> None:
    over = threading.Event()

    def hang(number: int) -> None:
        over.wait(30)

    started = time.monotonic()
    with behaving(hang) as url:
        try:
            generated = sent(planned(url, rate=100.0, users=2, timeout_seconds=0.5))
        finally:
            over.set()

    seen = endings(generated)
    assert set(seen) == {"NO_ANSWER", "NOT_SENT"}
    assert seen["NO_ANSWER"] <= 2 * 2 * 4
    assert sum(seen.values()) == 200
    # Two seconds of load and two of waiting; the rest is the start of Locust.
    assert time.monotonic() - started < 20


@pytest.mark.slow
def test_a_worker_that_stands_still_is_seen_by_all_who_came_meanwhile(
    packaged: Packaged, planned: Planned, tmp_path: Path
) -> None:
    with running(packaged.tag, packaged.home, 60, tmp_path / "log") as server:
        [worker] = [
            process
            for process in psutil.Process().children(recursive=True)
            if "_bentoml_impl.worker" in " ".join(process.cmdline())
            and f"{packaged.tag.partition(':')[2]}" in " ".join(process.cmdline())
        ]
        plan = planned(f"http://{server.host}:{server.port}", rate=100.0, seconds=5.0)

        def stop(done: int, total: int) -> None:
            if done > 150 and not stopped.is_set():
                stopped.set()
                os.kill(worker.pid, signal.SIGSTOP)
                threading.Timer(1.0, os.kill, (worker.pid, signal.SIGCONT)).start()

        stopped = threading.Event()
        generated = generate(plan, stop)
    found = generated.records
    seen = summarize(found, plan.seconds)

    assert seen.endings["answered"] == 500
    assert stopped.is_set()
    # At most eight connections hung for a second, and a hundred requests arrived in it.
    assert ((found["done"] - found["sent"]) > 0.5).sum() <= 8
    assert ((found["done"] - found["due"]) > 0.4).sum() >= 40
    assert seen.latency["p90"] > 5 * np.percentile(
        1e3 * (found["done"] - found["sent"])[found["due"] >= 0], 90
    )


@pytest.mark.slow
def test_no_process_is_left_behind(planned: Planned) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(KeyboardInterrupt):
        generate(planned(f"http://{LOOPBACK}:{free_port()}", seconds=60.0), interrupt)
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
