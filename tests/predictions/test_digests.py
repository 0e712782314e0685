"""The same identifier gives the same digest, and only with the same key."""

from __future__ import annotations

import hashlib
import hmac
import re

from pipelines.predictions.digests import digests
from tests.predictions.factories import KEY, python


def test_it_is_hmac_sha_256_cut_to_128_bits() -> None:
    wanted = hmac.new(KEY, b"tail\0N14228", hashlib.sha256).hexdigest()[:32]
    assert digests(KEY, "tail", ["N14228"]) == [wanted]


def test_a_digest_looks_like_no_identifier() -> None:
    [digest] = digests(KEY, "tail", ["N14228"])
    assert re.fullmatch("[0-9a-f]{32}", digest or "")


def test_it_is_the_same_in_another_process() -> None:
    code = "from pipelines.predictions.digests import digests; import sys; "
    code += "print(digests(bytes(range(32)), 'tail', ['N14228'])[0])"
    assert [python(code).strip()] == digests(KEY, "tail", ["N14228"])


def test_another_key_or_column_gives_another() -> None:
    found = [
        digests(KEY, "tail", ["N14228"]),
        digests(KEY[::-1], "tail", ["N14228"]),
        digests(KEY, "other", ["N14228"]),
        digests(KEY, "tail", ["N14229"]),
    ]
    assert len({digest for [digest] in found}) == 4


def test_whole_numbers_are_digested_as_people_write_them() -> None:
    assert digests(KEY, "customer", [12345.0]) == digests(KEY, "customer", ["12345"])
    assert digests(KEY, "customer", [0.5]) == digests(KEY, "customer", ["0.5"])


def test_what_is_missing_has_no_digest() -> None:
    assert digests(KEY, "tail", [None]) == [None]
