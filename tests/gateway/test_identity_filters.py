"""Who gets through a real Envoy, and who does not."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pipelines.errors import IdentityError
from pipelines.gateway import identity_filters, identity_keys
from pipelines.gateway.security import KINDS, Security
from pipelines.identity import keystore, scopes
from pipelines.identity.keys import SigningKey
from tests.gateway.identity_rig import MODEL, Rig, bearer, running, settings
from tests.identity.forgery import claims, forgeries, good, signed
from tests.waiting import until

PREDICT = f"/{MODEL}/predict"
TIERS = {
    "standard": {"per_second": 5, "burst": 5},
    "gold": {"per_second": 100_000, "burst": 100_000},
}


@dataclass(frozen=True)
class Place:
    """Keys on disk and an Envoy that follows them."""

    keys: Path
    folder: Path
    key: SigningKey
    revoked: SigningKey
    rig: Rig

    def publish(self) -> None:
        identity_keys.write(self.folder, settings(tiers=TIERS).identity, self.document())

    def document(self) -> dict[str, object]:
        return keystore.read(self.keys).jwks()


def _security(folder: Path, document: dict[str, object]) -> Security:
    known = settings(tiers=TIERS)
    file = identity_keys.write(folder, known.identity, document)
    return identity_filters.security(known, file, None, None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("identity")
    revoked = keystore.ensure(folder / "keys", time.time()).keys[0]
    ring = keystore.revoke(folder / "keys", time.time())
    security = _security(folder / "gateway", ring.jwks())
    with running(security, folder / "envoy") as rig:
        yield Place(folder / "keys", folder / "gateway", ring.keys[0], revoked, rig)


def _gold(place: Place, **changed: object) -> str:
    return good(place.key, time.time(), **changed)


def test_no_forged_token_is_accepted(place: Place) -> None:
    forged = forgeries(place.key, place.revoked, time.time())
    accepted, asked = [], 0
    with place.rig.client() as client:
        for token in forged:
            headers = [(b"authorization", b"Bearer " + token.token.encode())]
            try:
                response = client.post(PREDICT, headers=headers)
            except httpx.LocalProtocolError:
                continue  # no client could send it as a header
            asked += 1
            if response.status_code not in (401, 403):
                accepted.append((token.what, response.status_code))
        assert client.post(PREDICT, headers=bearer(_gold(place))).status_code == 200
    assert accepted == []
    assert asked >= 200


def test_a_token_that_was_let_in_is_refused_when_it_has_expired(place: Place) -> None:
    # Ten seconds are forgiven to clocks.
    token = _gold(place, exp=int(time.time()) - 8, iat=int(time.time()) - 600, nbf=None)
    assert place.rig.ask(PREDICT, token).status_code == 200
    until(lambda: place.rig.ask(PREDICT, token).status_code != 200, every=0.2)


@pytest.mark.parametrize(
    ("path", "headers", "scope", "status"),
    [
        (PREDICT, {}, "predict:flights", 200),
        (PREDICT, {}, "predict:*", 200),
        (PREDICT, {}, "feedback predict:flights debug", 200),
        (PREDICT, {}, ["predict:flights"], 200),
        (PREDICT, {}, "predict:digits", 403),
        (PREDICT, {}, "feedback", 403),
        (PREDICT, {}, "admin", 403),
        (PREDICT, {"x-model-version": "v3"}, "predict:flights", 403),
        (PREDICT, {"x-model-version": "v3"}, "debug", 403),
        (PREDICT, {"x-model-version": "v3"}, "predict:flights debug", 200),
        (f"/{MODEL}/feedback", {}, "feedback", 200),
        (f"/{MODEL}/feedback", {}, "predict:flights", 403),
        (f"/{MODEL}/v2/models/flights", {}, "predict:flights", 200),
        (f"/{MODEL}/v2/models/flights", {}, "feedback", 403),
        ("/forgotten", {}, "predict:* feedback debug admin", 403),
        ("/nowhere", {}, "predict:* feedback debug admin", 403),
    ],
)
def test_scopes_open_their_routes_and_no_others(
    place: Place, path: str, headers: dict[str, str], scope: object, status: int
) -> None:
    response = place.rig.ask(path, _gold(place, scope=scope), **headers)
    assert response.status_code == status


def test_without_a_token_only_what_is_open_answers(place: Place) -> None:
    assert place.rig.ask("/healthz").status_code == 200
    for path in (PREDICT, "/forgotten", "/nowhere", f"/{MODEL}/feedback"):
        refused = place.rig.ask(path)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")


def test_grpc_is_told_in_its_own_words(place: Place) -> None:
    grpc = {"content-type": "application/grpc"}
    assert place.rig.ask(PREDICT, **grpc).headers["grpc-status"] == "16"  # unauthenticated
    token = _gold(place, scope="feedback")
    assert place.rig.ask(PREDICT, token, **grpc).headers["grpc-status"] == "7"  # permission


def test_a_token_in_the_url_is_none(place: Place) -> None:
    assert place.rig.ask(f"{PREDICT}?access_token={_gold(place)}").status_code == 401


def test_headers_say_what_was_verified_and_not_what_was_sent(place: Place) -> None:
    sent = {"x-evergreen-subject": "the-boss", "x-evergreen-tier": "gold", "x-api-key": "mine"}
    seen = place.rig.ask(PREDICT, _gold(place, sub="somebody-else"), **sent)
    assert seen.headers["x-seen-subject"] == "somebody-else"
    assert seen.headers["x-seen-tier"] == "gold"
    assert seen.headers.get("x-seen-key", "") == ""

    without_tier = place.rig.ask(PREDICT, good(place.key, time.time(), tier=None), **sent)
    assert without_tier.headers.get("x-seen-tier", "") == ""


def _statuses(place: Place, token: str, count: int, **headers: str) -> Counter[int]:
    with place.rig.client() as client:
        return Counter(
            client.post(PREDICT, headers=bearer(token) | headers).status_code for _ in range(count)
        )


def test_a_subject_that_asks_too_often_waits_and_no_other_does(place: Place) -> None:
    now = time.time()
    greedy = _statuses(place, good(place.key, now, sub="greedy", tier="standard"), 40)
    assert greedy[429] > 0
    assert greedy[200] >= 5
    assert set(greedy) == {200, 429}
    assert _statuses(place, good(place.key, now, sub="modest", tier="standard"), 3) == {200: 3}
    assert _statuses(place, good(place.key, now, sub="greedy", tier="gold"), 40) == {200: 40}


def test_neither_a_header_nor_a_new_token_makes_a_bucket(place: Place) -> None:
    spent = Counter[int]()
    for number in range(8):
        token = good(place.key, time.time(), sub="sly", tier="standard", jti=str(number))
        spent += _statuses(
            place, token, 5, **{"x-evergreen-subject": str(number), "x-evergreen-tier": "gold"}
        )
    assert spent[429] > 0


def test_a_tier_that_is_unknown_or_missing_is_not_without_a_limit(place: Place) -> None:
    now = time.time()
    assert _statuses(place, good(place.key, now, sub="odd", tier="platinum"), 40)[429] > 0
    assert _statuses(place, good(place.key, now, sub="plain", tier=None), 40)[429] > 0


def test_who_is_refused_for_asking_too_often_learns_when_to_ask_again(place: Place) -> None:
    token = good(place.key, time.time(), sub="hasty", tier="standard")
    with place.rig.client() as client:
        answers = [client.post(PREDICT, headers=bearer(token)) for _ in range(40)]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    time.sleep(1.2)
    assert place.rig.ask(PREDICT, token).status_code == 200


def test_keys_rotate_under_load_without_a_refused_request(place: Place) -> None:
    """Three rotations while four clients ask; each signs by the clock, as the endpoint does."""
    stop, statuses, signers = threading.Event(), Counter[int](), set()
    lock = threading.Lock()

    def load(number: int) -> None:
        with place.rig.client() as client:
            while not stop.is_set():
                now = time.time()
                key = keystore.read(place.keys).signing(now)
                token = good(key, now, sub=f"load-{number}", jti=str(now))
                status = client.post(PREDICT, headers=bearer(token)).status_code
                with lock:
                    statuses[status] += 1
                    signers.add(key.kid)
                time.sleep(0.002)

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            ring = keystore.rotate(place.keys, time.time(), lead_seconds=1.0)
            place.publish()
            while time.time() < ring.keys[-1].signs_from + 0.5:
                time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert set(statuses) == {200}
    assert statuses[200] > 200
    assert len(signers) == 4
    # Back to one key, for the tests that come after.
    keystore.revoke(place.keys, time.time())


def test_what_a_revoked_key_has_signed_is_refused_at_once(tmp_path: Path) -> None:
    now = time.time()
    old = keystore.ensure(tmp_path / "keys", now)
    with running(_security(tmp_path / "gateway", old.jwks()), tmp_path / "envoy") as rig:
        token = good(old.keys[0], now)
        assert rig.ask(PREDICT, token).status_code == 200  # and is in Envoy's cache

        new = keystore.revoke(tmp_path / "keys", time.time())
        path = identity_keys.write(tmp_path / "gateway", settings(tiers=TIERS).identity, new.jwks())
        version = re.search(r'"version_info": "(\w+)"', path.read_text())
        assert version
        until(lambda: rig.version_of_keys() == version[1])

        assert rig.ask(PREDICT, token).status_code == 401
        assert rig.ask(PREDICT, good(new.keys[0], time.time())).status_code == 200


def test_a_token_for_longer_than_ours_are_is_refused(place: Place) -> None:
    key = keystore.read(place.keys).signing(time.time())
    place.publish()
    token = signed(key, claims(time.time(), exp=int(time.time()) + 86_400))
    assert place.rig.ask(PREDICT, token).status_code == 401


def test_off_says_so_in_every_answer(tmp_path: Path) -> None:
    known = settings(mode="off")
    security = identity_filters.security(known, tmp_path / "none", None, None)
    assert not security.is_on
    warning = identity_filters.off_warning(known)
    assert warning
    assert "anything" in warning
    assert identity_filters.off_warning(settings()) is None
    with running(security, tmp_path) as rig:
        answer = rig.ask(PREDICT)
        assert answer.status_code == 200
        assert answer.headers["x-evergreen-auth"] == "off"


@pytest.mark.parametrize(
    "document",
    [
        {"keys": []},
        {},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "", "y": "", "d": "secret"}]},
    ],
    ids=["empty", "none", "symmetric", "private"],
)
def test_keys_that_nobody_may_be_verified_by_are_not_written(
    document: dict[str, object], tmp_path: Path
) -> None:
    with pytest.raises(IdentityError) as caught:
        identity_keys.write(tmp_path, settings().identity, document)
    assert caught.value.next_step
    assert list(tmp_path.iterdir()) == []


def test_the_words_for_scopes_are_the_same_on_both_sides() -> None:
    """The two packages may not import each other."""
    security = identity_filters.security(settings(), Path("keys.json"), None, None)
    said = {
        scope
        for kind in KINDS
        for scope in re.findall(
            r"'exact': '((?:predict:|feedback|debug|admin)[^']*)'",
            str(security.per_route(kind, MODEL)),
        )
    }
    assert said == {scopes.predict(MODEL), scopes.EVERY_MODEL, scopes.FEEDBACK, scopes.DEBUG}
