"""Clients in a real state store."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import IdentityError
from pipelines.identity import clients
from pipelines.identity.clients import Client, api_key, parts_of
from pipelines.identity.secret import matches
from pipelines.state import store

TIERS = ("standard", "gold")


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return store.connect(tmp_path / "state.db")


def _client(name: str = "shop", **changed: object) -> Client:
    values: dict[str, object] = {
        "scopes": ("predict:flights", "feedback"),
        "tier": "standard",
        "created": "",
    }
    return Client(name, **(values | changed))  # type: ignore[arg-type]


def test_a_client_is_kept_without_its_secret(engine: sa.Engine, tmp_path: Path) -> None:
    secret = clients.add(engine, _client(expires=2e9, has_api_key=True), TIERS)
    found = clients.find(engine, "shop")
    assert found.scopes == ("feedback", "predict:flights")
    assert (found.tier, found.expires, found.has_api_key) == ("standard", 2e9, True)
    assert found.created.endswith("Z")
    kept = clients.kept(engine, "shop")
    assert kept is not None
    assert matches(secret, kept[1])
    with engine.connect() as connection:
        rows = str(connection.execute(sa.text("SELECT * FROM clients")).all())
    assert secret not in rows


def test_clients_are_listed_and_forgotten(engine: sa.Engine) -> None:
    for name in ("b", "a"):
        clients.add(engine, _client(name), TIERS)
    assert [client.id for client in clients.every(engine)] == ["a", "b"]
    clients.remove(engine, "a")
    assert [client.id for client in clients.every(engine)] == ["b"]
    for ask in (clients.remove, clients.find):
        with pytest.raises(IdentityError, match="no such client"):
            ask(engine, "a")
    assert clients.kept(engine, "a") is None


def test_an_id_is_given_once(engine: sa.Engine) -> None:
    clients.add(engine, _client(), TIERS)
    with pytest.raises(IdentityError, match="there is a client"):
        clients.add(engine, _client(), TIERS)


@pytest.mark.parametrize(
    "wrong",
    [
        _client(""),
        _client("Shop"),
        _client("a.b"),
        _client("a b"),
        _client("x" * 64),
        _client("shop\n"),
        _client(scopes=()),
        _client(scopes=("root",)),
        _client(tier="platinum"),
    ],
    ids=range(9),
)
def test_what_cannot_be_a_client_is_refused(engine: sa.Engine, wrong: Client) -> None:
    with pytest.raises(IdentityError) as caught:
        clients.add(engine, wrong, TIERS)
    assert caught.value.next_step
    assert clients.every(engine) == []


def test_a_client_is_good_until_it_expires() -> None:
    assert _client().is_good(1e12)
    assert _client(expires=100.0).is_good(99.9)
    assert not _client(expires=100.0).is_good(100.0)


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (api_key("shop", "se.cret"), ("shop", "se.cret")),
        ("eg.shop.", None),
        ("eg..secret", None),
        ("eg.shop", None),
        ("shop.secret", None),
        ("", None),
        ("eg.", None),
    ],
)
def test_an_api_key_is_taken_apart(key: str, parts: tuple[str, str] | None) -> None:
    assert parts_of(key) == parts
