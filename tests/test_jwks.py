"""Public keys, and documents that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from pipelines import jwks
from pipelines.errors import IdentityError

PUBLIC = ECKey.generate_key("P-256").as_dict(private=False)


def test_public_keys_are_taken_as_they_are(tmp_path: Path) -> None:
    rsa = RSAKey.generate_key(2048).as_dict(private=False)
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [PUBLIC, rsa], "issuer": "somebody"}))
    assert jwks.read(path) == {"keys": [PUBLIC, rsa]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"{}",
        b'{"keys": null}',
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [7]}',
        b'{"keys": [{}]}',
        b'{"keys": "kty"}',
        json.dumps({"keys": [PUBLIC, {"kty": "oct", "k": "AA"}]}).encode(),
        json.dumps({"keys": [PUBLIC, {"kty": "XX"}]}).encode(),
    ],
    ids=range(14),
)
def test_what_is_no_jwks_is_refused(content: bytes) -> None:
    with pytest.raises(IdentityError) as caught:
        jwks.parse(content, "here")
    assert caught.value.where == "here"
    assert "keys rotate" in caught.value.next_step


@pytest.mark.parametrize("kind", ["EC", "RSA", "oct"])
def test_a_key_that_could_sign_is_never_published(kind: str) -> None:
    key = {
        "EC": lambda: ECKey.generate_key("P-256"),
        "RSA": lambda: RSAKey.generate_key(2048),
        "oct": lambda: OctKey.generate_key(256),
    }[kind]()
    with pytest.raises(IdentityError):
        jwks.parse(json.dumps({"keys": [PUBLIC, key.as_dict(private=True)]}), "here")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match=r"nothing\.json"):
        jwks.read(tmp_path / "nothing.json")
