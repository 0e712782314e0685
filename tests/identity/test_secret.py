"""Secrets, and what is kept of them."""

from __future__ import annotations

import pytest

from pipelines.errors import IdentityError
from pipelines.identity.secret import generate, hashed, matches


def test_a_secret_is_known_again_and_no_other_is() -> None:
    secret = generate()
    kept = hashed(secret)
    assert matches(secret, kept)
    for other in (generate(), "", secret[:-1], secret + "a", secret.swapcase()):
        assert not matches(other, kept)


def test_nothing_that_is_kept_says_the_secret_or_that_two_are_equal() -> None:
    secret = generate()
    kept = hashed(secret)
    assert secret not in kept
    assert hashed(secret) != kept
    assert len(secret) == 43


@pytest.mark.parametrize(
    "kept",
    ["", "plain", "scrypt$14$8$1$c2FsdA==$???", "md5$14$8$1$c2FsdA==$AA==", "scrypt$x$8$1$$"],
)
def test_what_was_not_written_here_is_said(kept: str) -> None:
    with pytest.raises(IdentityError) as caught:
        matches("secret", kept)
    assert "client" in caught.value.next_step
