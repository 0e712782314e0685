"""The ring on disk: made once, changed as a whole, and what is wrong with it is said."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from pipelines import jwks
from pipelines.errors import IdentityError
from pipelines.identity import keys, keystore

NOW = 1_800_000_000.0


def _published(folder: Path) -> list[str]:
    return [key["kid"] for key in jwks.read(folder / keystore.JWKS)["keys"]]


def test_the_first_who_asks_makes_the_ring(tmp_path: Path) -> None:
    ring = keystore.ensure(tmp_path, NOW)
    assert keystore.ensure(tmp_path, NOW + 1) == ring == keystore.read(tmp_path)
    assert (tmp_path / keystore.RING).stat().st_mode & 0o777 == 0o600
    assert _published(tmp_path) == [ring.keys[0].kid]
    assert ring.keys[0].private["d"] not in (tmp_path / keystore.JWKS).read_text()


def _ensure(folder: Path) -> str:
    return keystore.ensure(folder, NOW).keys[0].kid


def test_several_at_once_make_one_ring(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert len(set(pool.map(_ensure, [tmp_path] * 6))) == 1


def test_a_rotation_publishes_the_new_key_beside_the_old(tmp_path: Path) -> None:
    old = keystore.ensure(tmp_path, NOW).keys[0]
    ring = keystore.rotate(tmp_path, NOW + 10)
    assert ring == keystore.read(tmp_path)
    assert _published(tmp_path) == [old.kid, ring.keys[1].kid]
    assert ring.signing(NOW + 11) == old


def test_a_rotation_where_nothing_was_begins(tmp_path: Path) -> None:
    ring = keystore.rotate(tmp_path, NOW)
    assert ring.signing(NOW) == ring.keys[-1]


def test_revoking_leaves_one_new_key(tmp_path: Path) -> None:
    old = keystore.ensure(tmp_path, NOW)
    keystore.rotate(tmp_path, NOW)
    ring = keystore.revoke(tmp_path, NOW + 1)
    assert len(ring.keys) == 1
    assert ring.keys[0].kid != old.keys[0].kid
    assert _published(tmp_path) == [ring.keys[0].kid]


def test_keeping_drops_what_is_over_and_rotates_what_is_due(tmp_path: Path) -> None:
    keystore.ensure(tmp_path, NOW)
    ring = keystore.rotate(tmp_path, NOW)
    assert keystore.keep(tmp_path, NOW + 60, key_days=30) == ring

    later = NOW + keys.LEAD_SECONDS + keys.MOST_TOKEN_SECONDS + keys.CLOCK_SKEW_SECONDS + 1
    assert keystore.keep(tmp_path, later, key_days=30).keys == ring.keys[1:]
    assert _published(tmp_path) == [ring.keys[1].kid]

    due = NOW + 31 * 86_400
    rotated = keystore.keep(tmp_path, due, key_days=30)
    assert rotated.keys[0] == ring.keys[1]
    assert len(rotated.keys) == 2
    assert keystore.keep(tmp_path, due + 1, key_days=30) == rotated


@pytest.mark.parametrize("damage", ["missing", "other keys", "half"])
def test_the_published_keys_are_set_right(damage: str, tmp_path: Path) -> None:
    """As after a kill between the two files, or an edit by hand."""
    ring = keystore.ensure(tmp_path, NOW)
    path = tmp_path / keystore.JWKS
    if damage == "missing":
        path.unlink()
    elif damage == "half":
        path.write_text(path.read_text()[:40])
    else:
        path.write_text(json.dumps(keys.Ring((keys.generate(NOW, NOW),)).jwks()))
    for mend in (keystore.ensure(tmp_path, NOW), keystore.keep(tmp_path, NOW, 30)):
        assert mend == ring
        assert _published(tmp_path) == [ring.keys[0].kid]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"keys": []}', '{"keys": [{}]}', '{"keys": [{"kid": "a"}]}'],
    ids=range(7),
)
def test_a_damaged_ring_is_said_and_revoking_is_the_way_out(content: str, tmp_path: Path) -> None:
    keystore.ensure(tmp_path, NOW)
    (tmp_path / keystore.RING).write_text(content)
    for ask in (
        lambda: keystore.read(tmp_path),
        lambda: keystore.ensure(tmp_path, NOW),
        lambda: keystore.rotate(tmp_path, NOW),
        lambda: keystore.keep(tmp_path, NOW, 30),
    ):
        with pytest.raises(IdentityError, match=r"signing-keys\.json") as caught:
            ask()
        assert "--revoke" in caught.value.next_step
    assert keystore.revoke(tmp_path, NOW) == keystore.read(tmp_path)


def test_a_key_under_another_name_is_damage(tmp_path: Path) -> None:
    keystore.ensure(tmp_path, NOW)
    path = tmp_path / keystore.RING
    content = json.loads(path.read_text())
    content["keys"][0]["kid"] = "another"
    path.write_text(json.dumps(content))
    with pytest.raises(IdentityError, match="another name"):
        keystore.read(tmp_path)


def test_no_ring_is_said_with_the_way_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="no signing keys") as caught:
        keystore.read(tmp_path)
    assert "evergreen up" in caught.value.next_step


def test_keys_that_others_may_read_do_not_sign(tmp_path: Path) -> None:
    keystore.ensure(tmp_path, NOW)
    (tmp_path / keystore.RING).chmod(0o644)
    with pytest.raises(IdentityError, match="0644"):
        keystore.read(tmp_path)
