"""Tokens that nobody may let in: over two hundred, each wrong in one way, or in a cunning one."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, RSAKey

from pipelines.identity.keys import SigningKey, generate

ISSUER = "https://evergreen.localhost"
AUDIENCE = "evergreen"
MODEL = "flights"
HEADER = {"alg": "ES256", "typ": "at+jwt"}


@dataclass(frozen=True)
class Forged:
    """A token, and what is wrong with it.

    Attributes:
        is_ours: whether the key of the endpoint signed it, so that only its claims are wrong.
    """

    what: str
    token: str
    is_ours: bool = False


def claims(now: float, **changed: Any) -> dict[str, Any]:
    """Those of a good token; None leaves one out."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "somebody",
        "client_id": "somebody",
        "jti": "0123456789",
        "iat": int(now),
        "nbf": int(now),
        "exp": int(now) + 600,
        "scope": f"predict:{MODEL}",
        "tier": "gold",
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: SigningKey, content: dict[str, Any], **header: Any) -> str:
    """A token by one of our keys, whatever it says."""
    told = {**HEADER, "kid": key.kid, **header}
    told = {name: value for name, value in told.items() if value is not None}
    return raw(told, json.dumps(content).encode(), es256(key))


def good(key: SigningKey, now: float, **changed: Any) -> str:
    """A token that has to be let in."""
    return signed(key, claims(now, **changed))


def forgeries(key: SigningKey, revoked: SigningKey, now: float) -> list[Forged]:
    """All of them.

    Args:
        key: the one that signs now.
        revoked: one that did, and is published no more.
        now: unix seconds.
    """
    return [
        *_without_algorithm(key, now),
        *_symmetric(key, now),
        *_out_of_time(key, now),
        *_for_others(key, now),
        *_not_allowed(key, now),
        *_other_keys(key, revoked, now),
        *_broken(key, now),
        *_cunning_headers(key, now),
        *_odd_claims(key, now),
    ]


def raw(header: dict[str, Any], payload: bytes, sign: Any) -> str:
    """Header, payload and signature in compact form, without a library that might refuse."""
    start = f"{_b64(json.dumps(header).encode())}.{_b64(payload)}"
    return f"{start}.{_b64(sign(start.encode()))}"


def es256(key: SigningKey) -> Any:
    """Signs as RFC 7518 wants it: r and s, 32 bytes each."""
    private = ECKey.import_key(dict(key.private)).private_key
    assert private is not None

    def sign(content: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        r, s = decode_dss_signature(private.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def _payload(now: float, **changed: Any) -> bytes:
    return json.dumps(claims(now, **changed)).encode()


def _without_algorithm(key: SigningKey, now: float) -> Iterator[Forged]:
    for alg in ("none", "None", "NONE", "nOnE", "", None, 0, "ES256 ", "es256"):
        header = {**HEADER, "kid": key.kid, "alg": alg}
        for name, content in (("none", b""), ("zeros", bytes(64)), ("one byte", b"\0")):
            token = raw(header, _payload(now), lambda _, kept=content: kept)
            yield Forged(f"alg {alg!r}, signature of {name}", token)


def _symmetric(key: SigningKey, now: float) -> Iterator[Forged]:
    public = ECKey.import_key(dict(key.private)).public_key
    secrets = {
        "PEM": public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "DER": public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        "point": public.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        ),
        "JWK": json.dumps(key.public).encode(),
        "x": key.public["x"].encode(),
        "kid": key.kid.encode(),
        "nothing": b"",
        "a zero": b"\0",
    }
    for alg, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for name, secret in secrets.items():

            def sign(content: bytes, secret: bytes = secret, digest: str = digest) -> bytes:
                return hmac.digest(secret, content, digest)

            header = {**HEADER, "alg": alg, "kid": key.kid}
            yield Forged(f"{alg} under the public key as {name}", raw(header, _payload(now), sign))


def _out_of_time(key: SigningKey, now: float) -> Iterator[Forged]:
    for ago in (20, 60, 599, 600, 3600, 86_400, 10**7, 10**9):
        token = good(key, now, iat=int(now) - ago - 600, nbf=None, exp=int(now) - ago)
        yield Forged(f"expired {ago} s ago", token, is_ours=True)
    for ahead in (20, 60, 300, 599, 3600, 10**7):
        token = good(key, now, nbf=int(now) + ahead, exp=int(now) + 600)
        yield Forged(f"not valid for {ahead} s", token, is_ours=True)
    for value in (None, 0, -1, "soon", [], {}, ""):
        yield Forged(f"exp {value!r}", good(key, now, exp=value), is_ours=True)


def _for_others(key: SigningKey, now: float) -> Iterator[Forged]:
    audiences = [
        None, "", "other", "Evergreen", "evergreen ", " evergreen", "evergreen2", "evergree",
        ["other"], [], ["Evergreen", "ever", "green"], "https://evergreen.localhost", "*", 7, {},
    ]  # fmt: skip
    for audience in audiences:
        yield Forged(f"audience {audience!r}", good(key, now, aud=audience), is_ours=True)
    issuers = [
        None, "", "https://evergreen.localhost/", "http://evergreen.localhost",
        "evergreen.localhost",
        "https://evergreen.localhost.example.org", "https://EVERGREEN.localhost", "*", 7,
        "https://evergreen.localhost\n", ["https://evergreen.localhost"],
    ]  # fmt: skip
    for issuer in issuers:
        yield Forged(f"issuer {issuer!r}", good(key, now, iss=issuer), is_ours=True)


def _not_allowed(key: SigningKey, now: float) -> Iterator[Forged]:
    scopes = [
        None, "", " ", "feedback", "debug", "admin", "feedback debug admin", "predict", "predict:",
        "predict:digits", "predict:flight", "predict:flights2", "predict:flights_minutes",
        "PREDICT:FLIGHTS", "Predict:flights", "predict:Flights", "predict:flights*", "predict:**",
        "predict:fl*", "*", "predict:flights,feedback", "xpredict:flights", "predict :flights",
        "predict: flights", "predict:flights/../*", '"predict:flights"', ".*", ["predict:digits"],
        [["predict:flights"]], {"predict:flights": True}, {"0": "predict:flights"}, 7, True,
    ]  # fmt: skip
    for scope in scopes:
        yield Forged(f"scope {scope!r}", good(key, now, scope=scope), is_ours=True)
    for other in ("scopes", "scp", "Scope", "permissions"):
        content = claims(now, scope=None) | {other: f"predict:{MODEL}"}
        yield Forged(f"scope under {other!r}", signed(key, content), is_ours=True)


def _other_keys(key: SigningKey, revoked: SigningKey, now: float) -> Iterator[Forged]:
    yield Forged("by a key that was revoked", good(revoked, now))
    yield Forged("by a revoked key under the new name", signed(revoked, claims(now), kid=key.kid))
    for kid in (key.kid, "", "0", None, revoked.kid):
        stranger = generate(now, now)
        yield Forged(f"by a stranger as {kid!r}", signed(stranger, claims(now), kid=kid))
    stranger = generate(now, now)
    for name, value in (
        ("jwk", stranger.public),
        ("jku", "http://127.0.0.1:9/jwks.json"),
        ("x5u", "http://127.0.0.1:9/certificate.pem"),
        ("x5c", [base64.b64encode(b"certificate").decode()]),
    ):
        for kid in (stranger.kid, key.kid, None):
            token = signed(stranger, claims(now), kid=kid, **{name: value})
            yield Forged(f"by a stranger who brings {name}, as {kid!r}", token)
    rsa = RSAKey.generate_key(2048, {"kid": key.kid}, private=True)
    for alg in ("RS256", "PS256", "RS512"):
        header = {**HEADER, "alg": alg, "kid": key.kid}
        yield Forged(f"{alg} by a stranger", jwt.encode(header, claims(now), rsa, [alg]))
    for curve, alg in (("P-384", "ES384"), ("P-521", "ES512")):
        large = ECKey.generate_key(curve, {"kid": key.kid}, private=True)
        header = {**HEADER, "alg": alg, "kid": key.kid}
        yield Forged(f"{alg} by a stranger", jwt.encode(header, claims(now), large, [alg]))


def _broken(key: SigningKey, now: float) -> Iterator[Forged]:
    token = good(key, now)
    head, payload, signature = token.split(".")
    for length in range(1, len(token), max(1, len(token) // 24)):
        yield Forged(f"cut to {length}", token[:length])
    for at in range(4, len(head) - 4, max(1, len(head) // 8)):
        yield Forged(f"header changed at {at}", f"{_flip(head, at)}.{payload}.{signature}")
    for at in range(4, len(payload) - 4, max(1, len(payload) // 12)):
        yield Forged(f"payload changed at {at}", f"{head}.{_flip(payload, at)}.{signature}")
    for at in range(2, len(signature) - 2, max(1, len(signature) // 12)):
        yield Forged(f"signature changed at {at}", f"{head}.{payload}.{_flip(signature, at)}")
    more = _b64(_payload(now, scope="predict:* admin"))
    yield Forged("another payload under the signature", f"{head}.{more}.{signature}")
    der = ECKey.import_key(dict(key.private)).private_key
    assert der is not None
    start = f"{head}.{payload}"
    in_der = _b64(der.sign(start.encode(), ec.ECDSA(hashes.SHA256())))
    for what, broken in (
        ("no signature", f"{start}."),
        ("no dots", head),
        ("a part too many", f"{token}.{signature}"),
        ("a part too few", start),
        ("dots only", ".."),
        ("reversed", f"{signature}.{payload}.{head}"),
        ("spaces", f"{head} .{payload}.{signature}"),
        ("signature in DER", f"{start}.{in_der}"),
        ("r and s of zero", f"{start}.{_b64(bytes(64))}"),
        ("signature twice", f"{start}.{signature}{signature}"),
        ("not base64", "!!!.???.###"),
        ("nothing", ""),
        ("JSON form", json.dumps({"payload": payload, "signature": signature})),
    ):
        yield Forged(what, broken)
    encrypted = jwe.encrypt_compact(
        {"alg": "ECDH-ES", "enc": "A128GCM", "kid": key.kid},
        _payload(now),
        ECKey.import_key({name: key.public[name] for name in ("kty", "crv", "x", "y")}),
    )
    yield Forged("encrypted for us, signed by nobody", encrypted)


def _cunning_headers(key: SigningKey, now: float) -> Iterator[Forged]:
    def by_nothing(content: bytes) -> bytes:
        return hmac.digest(b"", content, "sha256")

    names = [
        "../../../../dev/null", "/dev/null", "' UNION SELECT '' --", "key\0", "x" * 2000, "*",
        "%00",
        ["a"], {"a": 1}, 7, True, None, f"{key.kid}\n", f" {key.kid}", "http://127.0.0.1:9/",
    ]  # fmt: skip
    for kid in names:
        header = {**HEADER, "alg": "HS256", "kid": kid}
        yield Forged(f"kid {str(kid)[:30]!r}, HS256", raw(header, _payload(now), by_nothing))
        stranger = signed(generate(now, now), claims(now), kid=kid)
        yield Forged(f"kid {str(kid)[:30]!r}, by a stranger", stranger)
    for kind in ("JWT", "jwt", "id_token", "dpop+jwt", "logout+jwt", "", None, 7, ["at+jwt"]):
        yield Forged(f"typ {kind!r}", signed(key, claims(now), typ=kind), is_ours=True)


def _odd_claims(key: SigningKey, now: float) -> Iterator[Forged]:
    for payload in (b"", b"null", b"[]", b'"text"', b"7", b"{", b"\xff\xfe", b"{}"):
        header = {**HEADER, "kid": key.kid}
        yield Forged(f"payload {payload!r}", raw(header, payload, es256(key)), is_ours=True)
    for subject in (None, ""):
        yield Forged(f"subject {subject!r}", good(key, now, sub=subject), is_ours=True)


def _flip(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def _b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
