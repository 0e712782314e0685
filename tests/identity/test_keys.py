"""Which key signs when, and how long it is published."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from pipelines.errors import IdentityError
from pipelines.identity.keys import (
    CLOCK_SKEW_SECONDS,
    LEAD_SECONDS,
    MOST_TOKEN_SECONDS,
    Ring,
    generate,
    is_due,
    pruned,
    rotated,
)

START = 1_800_000_000.0


def test_a_new_key_is_published_before_it_signs() -> None:
    ring = rotated(Ring((generate(START, START),)), START + 100)
    old, new = ring.keys
    assert ring.signing(START + 100) == old
    assert ring.signing(START + 100 + LEAD_SECONDS - 0.1) == old
    assert ring.signing(START + 100 + LEAD_SECONDS) == new
    assert [key["kid"] for key in ring.jwks()["keys"]] == [old.kid, new.kid]


def test_an_old_key_stays_until_its_last_token_has_expired() -> None:
    ring = rotated(Ring((generate(START, START),)), START)
    gone = START + LEAD_SECONDS + MOST_TOKEN_SECONDS + CLOCK_SKEW_SECONDS
    assert pruned(ring, gone) == ring
    assert pruned(ring, gone + 0.1).keys == ring.keys[1:]


def test_the_newest_key_is_never_dropped() -> None:
    ring = Ring((generate(START, START),))
    assert pruned(ring, START + 1e9) == ring


def test_one_rotation_at_a_time() -> None:
    ring = rotated(Ring((generate(START, START),)), START)
    with pytest.raises(IdentityError, match="under way"):
        rotated(ring, START + 1)
    assert len(rotated(ring, START + LEAD_SECONDS).keys) == 3


def test_a_clock_that_was_set_back_does_not_stop_signing() -> None:
    ring = rotated(Ring((generate(START, START),)), START)
    assert ring.signing(START - 1e6) == ring.keys[0]


def test_a_key_is_due_after_its_days() -> None:
    ring = Ring((generate(START, START),))
    assert not is_due(ring, START + 30 * 86_400, 30)
    assert is_due(ring, START + 30 * 86_400 + 1, 30)


def test_the_private_part_is_neither_published_nor_printed() -> None:
    key = generate(START, START)
    assert "d" in key.private
    assert set(key.public) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert key.private["d"] not in repr(Ring((key,)))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(min_value=1, max_value=2000), min_size=1, max_size=12))
def test_whatever_the_times_a_good_token_finds_its_key(waits: list[float]) -> None:
    """Rotations and prunings at any times: every token that has not expired can be verified."""
    now, ring = START, Ring((generate(START, START),))
    tokens: list[tuple[float, str]] = []
    for wait in waits:
        now += wait
        ring = pruned(ring, now)
        if ring.keys[-1].signs_from <= now:
            ring = rotated(ring, now)
        key = ring.signing(now)
        header = {"alg": "ES256", "kid": key.kid}
        private = ECKey.import_key(dict(key.private))
        tokens.append((now + MOST_TOKEN_SECONDS, jwt.encode(header, {}, private)))
        known = KeySet.import_key_set(ring.jwks())  # type: ignore[arg-type]
        for expires, token in tokens:
            if now <= expires + CLOCK_SKEW_SECONDS:
                jwt.decode(token, known)
