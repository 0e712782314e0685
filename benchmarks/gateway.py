"""What the gateway adds to a request at concurrency 1, side by side with asking the server itself.

The server answers at once with a constant, so that the difference is the gateway. Medians and 99th
percentiles over interleaved rounds; client, gateway and server share the machine. Beside it: how
long a change of the weights takes until Envoy has it, and how long a start takes after SIGKILL.
"""

from __future__ import annotations

import http.client
import multiprocessing
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from pipelines.gateway import Endpoint, ModelTable, Security, Table, apply, prepare
from pipelines.identity import keystore, tokens
from pipelines.identity.clients import Client
from pipelines.paths import HomePaths
from pipelines.ports import free_ports
from pipelines.settings import Settings, parse
from pipelines.stack import secured

ROUNDS = 7
REQUESTS = 600
CHANGES = 50
STARTS = 5
BODY = b'{"rows": [{"a": 1.0}]}'
# Nobody is turned away: what is measured is the counting.
TIERS = {"standard": {"per_second": 100_000, "burst": 200_000}}
V3, V4 = "bench@v3", "bench@v4"
_SERVER = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await receive()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, interface="asgi3")
"""


def run() -> None:
    """Print a line a way to ask."""
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = Path(enter(tempfile.TemporaryDirectory(prefix="eg-")))
        [port, other] = free_ports(2)
        for each in (port, other):
            enter(_process([sys.executable, "-c", _SERVER, str(each)], each))
        authority = trustme.CA()
        pair = _certificate(folder, authority)
        plain = enter(_gate(folder / "plain", port, Security.off(), {"tls": {"mode": "off"}}))
        tls = enter(_gate(folder / "tls", port, Security.off(*pair), {}))
        home, known = HomePaths(folder / "home"), _settings({}, {"identity": {"tiers": TIERS}})
        security = secured.secure(known, home, time.time())
        safe = enter(_gate(folder / "safe", port, security, {}, known))
        root = authority.cert_pem.bytes()
        certificate = secured.listener_certificate(known, home, time.time())
        assert certificate and certificate.authority
        ours = certificate.authority.read_bytes()
        token = {"authorization": f"Bearer {_token(home, known)}"}
        ways: dict[str, Way] = {
            "the server itself": (port, "/predict", None, {}),
            "gateway, plain": (plain.port, "/bench/predict", None, {}),
            "gateway, TLS": (tls.port, "/bench/predict", root, {}),
            "gateway, everything on": (safe.port, "/bench/predict", ours, token),
        }
        _compare(ways)
        _changes(plain, port, other)
        _starts(plain)


def _token(home: HomePaths, known: Settings) -> str:
    """Of a client that may ask the model."""
    identity = known.identity
    terms = tokens.Terms(identity.issuer, identity.audience, identity.token_minutes * 60)
    source = tokens.Tokens(terms, lambda: keystore.read(home.keys), time.time)
    client = Client("bench", ("predict:bench",), "standard", created="")
    return str(tokens.issue(source, client, None, time.time())["access_token"])


@dataclass
class _Gate:
    folder: Path
    port: int
    argv: list[str]
    process: subprocess.Popen[bytes]


def _settings(gateway: Mapping[str, Any], more: Mapping[str, Any]) -> Settings:
    port, metrics = free_ports(2)
    model = {
        "ingest": {"dataset": "digits", "source": "package:scikit-learn"},
        "train": {"family": "svm"},
    }
    ways = {"port": port, "metrics_port": metrics, **gateway}
    return parse({"models": {"bench": model}, "gateway": ways, **more})


@contextmanager
def _gate(
    folder: Path,
    server: int,
    security: Security,
    gateway: Mapping[str, Any],
    known: Settings | None = None,
) -> Iterator[_Gate]:
    known = known or _settings(gateway, {})
    argv = prepare(folder, known, security)
    apply(folder, _table(server, server, 0), time.time())
    with _process(argv, known.gateway.port) as process:
        found = _Gate(folder, known.gateway.port, argv, process)
        yield found
        if found.process is not process:
            found.process.kill()
            found.process.wait()


def _table(server: int, other: int, percent: int) -> Table:
    listening = {V3: (Endpoint("127.0.0.1", server, 1),), V4: (Endpoint("127.0.0.1", other, 1),)}
    return Table((ModelTable("bench", V3, {V3: 100 - percent, V4: percent}, listening),))


@contextmanager
def _process(argv: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(argv)
    try:
        _wait_for(port)
        yield process
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse()
        except http.client.BadStatusLine:
            return  # it speaks TLS
        except OSError:
            time.sleep(0.005)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"nobody listens on {port}")


def _certificate(folder: Path, authority: trustme.CA) -> tuple[Path, Path]:
    pair = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = folder / "server.pem", folder / "server.key"
    pair.cert_chain_pems[0].write_to_path(str(chain))
    pair.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return chain, key


Way = tuple[int, str, bytes | None, dict[str, str]]


def _compare(ways: dict[str, Way]) -> None:
    found: dict[str, list[float]] = {name: [] for name in ways}
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        for round_ in range(ROUNDS):
            for name, (port, path, root, headers) in ways.items():
                seconds = pool.apply(_ask, (port, path, root, headers))
                if round_:  # the first one warms up
                    found[name] += seconds
    base = statistics.median(found["the server itself"])
    print(f"one request at a time, {(ROUNDS - 1) * REQUESTS:,} each way")
    for name, seconds in found.items():
        median, last = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
        print(
            f"  {name:28} median {median * 1e3:6.3f} ms  p99 {last * 1e3:6.3f} ms"
            f"  added {(median - base) * 1e3:+6.3f} ms",
            flush=True,
        )


def _ask(port: int, path: str, root: bytes | None, headers: dict[str, str]) -> list[float]:
    """Seconds of each request, over one connection."""
    if root is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    else:
        context = ssl.create_default_context(cadata=root.decode())
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
    told = {"content-type": "application/json", **headers}
    found = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        connection.request("POST", path, BODY, told)
        answer = connection.getresponse()
        answer.read()
        found.append(time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status}")
    connection.close()
    return found


def _changes(gate: _Gate, server: int, other: int) -> None:
    seconds = []
    for percent in range(1, CHANGES + 1):
        began = time.perf_counter()
        apply(gate.folder, _table(server, other, percent), time.time())
        seconds.append(time.perf_counter() - began)
    _print("a change of the weights", seconds)


def _starts(gate: _Gate) -> None:
    seconds = []
    for _ in range(STARTS):
        gate.process.kill()
        gate.process.wait()
        began = time.perf_counter()
        gate.process = subprocess.Popen(gate.argv)
        _wait_for(gate.port)
        seconds.append(time.perf_counter() - began)
    _print("a start after SIGKILL", seconds)


def _print(what: str, seconds: list[float]) -> None:
    print(
        f"  {what:28} median {statistics.median(seconds) * 1e3:6.1f} ms"
        f"  longest {max(seconds) * 1e3:6.1f} ms of {len(seconds)}",
        flush=True,
    )
