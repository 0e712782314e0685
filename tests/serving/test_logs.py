"""A line of a server's log is one JSON object, whoever wrote it."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pipelines.packaging.server import running
from pipelines.serving.logs import JsonLines
from pipelines.signature import Signature
from tests.packaged import Packaged
from tests.serving.live import UNPARSED, Raw, ask_all, workers

MODEL = cast(Any, SimpleNamespace(name="flights", version="v3"))


def record(message: str, *inside: object, told: Any = None) -> logging.LogRecord:
    return logging.LogRecord("pipelines.x", logging.WARNING, "x.py", 1, message, inside, told)


def test_a_line_says_when_who_and_what() -> None:
    lines = JsonLines()
    before = json.loads(lines.format(record("of %s", "me")))
    lines.serve(MODEL)
    line = json.loads(lines.format(record("of %s", "me")))

    assert line["message"] == "of me"
    assert (line["level"], line["logger"]) == ("warning", "pipelines.x")
    assert line["time"].endswith("+00:00")
    assert (line["model"], line["version"]) == ("flights", "v3")
    assert line.keys() - before.keys() == {"model", "version"}  # not known yet


def test_a_failure_brings_its_traceback_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        text = JsonLines().format(record("failed", told=(ValueError, error, error.__traceback__)))
    assert "\n" not in text
    assert "ValueError: two" in json.loads(text)["traceback"]


# What BentoML does to a process before it loads a bento, and what others may do afterwards.
PROCESS = """
import asyncio, logging, sys, threading, warnings
import uvicorn
from bentoml._internal.log import configure_server_logging
configure_server_logging()
from pipelines.serving import logs
logs.configure()
logs.configure()
logging.getLogger("pipelines.serving.server").info("ready")
for name in sys.argv[1:]:
    logging.getLogger(name).warning("of %s", name)
warnings.warn("soon")
logging.getLogger("anybody").warning("half a pair: \\ud800")
logging.getLogger("anybody").warning("of %s and %s", "one")

def fail():
    raise ValueError("in a thread")

thread = threading.Thread(target=fail, name="writer")
thread.start()
thread.join()

class Fails:
    def __del__(self):
        raise ValueError("to nobody")

del (failing := [Fails()])[0]
assert not logging.getLogger("uvicorn.access").hasHandlers(), "each request would be a line"
raise ValueError("at last")
"""


LOGGERS = ("bentoml.serve", "uvicorn.error", "circus", "asyncio", "grpc._cython", "anybody")


def test_whoever_logs_in_a_process_each_line_comes_once_and_as_json() -> None:
    command = [sys.executable, "-c", PROCESS, *LOGGERS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    first, rest = told[: len(LOGGERS) + 1], told[len(LOGGERS) + 1 :]
    warned, half, wrong, in_thread, to_nobody, ended = rest

    assert done.stdout == ""
    assert [line["message"] for line in first] == ["ready", *(f"of {name}" for name in LOGGERS)]
    assert "UserWarning: soon" in warned["message"]
    assert half["message"] == "half a pair: \\ud800"
    assert wrong["message"] == "of %s and %s ('one',)"
    assert in_thread["message"] == "the thread writer ends by an error: in a thread"
    assert "ValueError: in a thread" in in_thread["traceback"]
    assert "ValueError('to nobody')" in to_nobody["message"]
    assert "ValueError: at last" in ended["traceback"]


def test_every_line_of_a_server_is_json_from_its_start_to_its_end(
    packaged: Packaged, tmp_path: Path
) -> None:
    log = tmp_path / "server.log"
    with running(packaged.tag, packaged.home, 60, log) as server:
        answers = asyncio.run(ask_all(server.port, [Raw(b"nonsense\r\n\r\n")] * 3, 1))
        assert [got.body for _, got in answers] == [UNPARSED] * 3
        [worker] = workers(server)
        arbiter = worker.parent()
    told = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    messages = [line["message"] for line in told]

    assert arbiter is not None
    assert {line["pid"] for line in told} == {arbiter.pid, worker.pid}
    assert messages[-1] == "Service instance cleanup finalized"
    assert "ended" in messages
    # What a client can cause at will is not written twice.
    assert messages.count(UNPARSED.decode()) == 3
    ready = messages.index("ready, with the graph " + digest(packaged))
    assert {(line["model"], line["version"]) for line in told[ready:]} == {("flights", "v3")}


def digest(packaged: Packaged) -> str:
    return Signature.read(packaged.artifact).sha256[:12]
