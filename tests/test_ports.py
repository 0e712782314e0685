"""Ports for those who are about to listen."""

from __future__ import annotations

import socket

import pytest

from pipelines import ports
from pipelines.errors import FleetError


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.socket() as held:
        held.bind((ports.LOOPBACK, 0))
        held.listen()
        port = held.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_ports_are_never_offered_twice_nor_given_to_outgoing_connections() -> None:
    offered = [port for _ in range(50) for port in ports.free_ports(3)] + [ports.free_port()]
    assert len(set(offered)) == len(offered) == 151
    assert all(ports.FIRST <= port < ports.LAST < 32768 for port in offered)


def test_what_is_taken_is_passed_over() -> None:
    [port] = ports.free_ports(1)
    with socket.socket() as held:
        held.bind((ports.LOOPBACK, port))
        held.listen()
        assert port not in ports.free_ports(10)


def test_that_there_are_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(FleetError, match="fewer than 2 free ports"):
        ports.free_ports(2)
