"""The verbs about who may ask, and the token endpoint as a process with Envoy before it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import KeySet

from flows.identity import say_if_off
from pipelines import settings
from pipelines.identity import keystore
from pipelines.paths import home
from pipelines.ports import free_port
from pipelines.stack import secured
from tests.gateway.identity_rig import bearer, running
from tests.gateway.identity_rig import settings as known_settings
from tests.orchestration import Run
from tests.throwaway import Project
from tests.waiting import until


def _changed(project: Project, **identity: object) -> None:
    path = project.root / "params.yaml"
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**content, "identity": identity}))


def _add(run: Run, project: Project, name: str, *more: str) -> dict[str, str]:
    done = run(project, "client", "add", name, "--scope", "predict:alpha", *more, "--json")
    assert done.code == 0, done.err
    told: dict[str, str] = json.loads(done.out)
    return told


def _claims(project: Project, token: str) -> dict[str, object]:
    jwks = json.loads((project.root / ".evergreen" / "keys" / keystore.JWKS).read_text())
    return dict(jwt.decode(token, KeySet.import_key_set(jwks)).claims)


def test_a_client_is_added_shown_and_forgotten(untrained: Project, run: Run) -> None:
    done = run(untrained, "client", "add", "shop", "--scope", "feedback", "--days", "1")
    assert done.code == 0
    secret = done.out.split("client_secret")[1].split()[0]
    listed = run(untrained, "client", "list")
    assert "shop" in listed.out
    assert secret not in listed.out
    told = json.loads(run(untrained, "client", "list", "--json").out)
    assert [client["scopes"] for client in told] == [["feedback"]]
    assert 86_000 < told[0]["expires"] - time.time() < 86_401

    assert run(untrained, "client", "remove", "shop").code == 0
    again = run(untrained, "client", "remove", "shop")
    assert (again.code, json.loads(run(untrained, "client", "list", "--json").out)) == (2, [])
    assert "client list" in again.err


def test_a_token_for_the_shell(untrained: Project, run: Run) -> None:
    _add(run, untrained, "shop", "--scope", "debug")
    done = run(untrained, "token", "shop", "--scope", "predict:alpha")
    assert done.code == 0
    told = _claims(untrained, done.out.strip())
    assert (told["sub"], told["scope"], told["aud"]) == ("shop", "predict:alpha", "evergreen")
    whole = json.loads(run(untrained, "token", "shop", "--json").out)
    assert whole["scope"] == "debug predict:alpha"
    assert whole["expires_in"] == 600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "nobody"], "no such client"),
        (["token", "shop", "--scope", "admin"], "may not have the scope"),
        (["client", "add", "shop", "--scope", "feedback"], "there is a client"),
        (["client", "add", "new", "--scope", "predict:gamma"], "no model gamma"),
        (["client", "add", "new", "--scope", "root"], "no such scope"),
        (["client", "add", "new", "--scope", "feedback", "--tier", "x"], "unknown tier"),
        (["client", "add", "new", "--scope", "feedback", "--api-key"], "takes no API keys"),
        (["client", "add", "A B", "--scope", "feedback"], "no client id"),
    ],
    ids=range(8),
)
def test_what_cannot_be_is_refused_with_a_next_step(
    untrained: Project, run: Run, arguments: list[str], said: str
) -> None:
    _add(run, untrained, "shop")
    done = run(untrained, *arguments)
    assert done.code == 2
    assert said in done.err
    assert "next step" in done.err


def test_keys_are_rotated_by_hand(untrained: Project, run: Run) -> None:
    _add(run, untrained, "shop")
    before = run(untrained, "token", "shop").out.strip()
    rotated = json.loads(run(untrained, "keys", "rotate", "--json").out)
    assert len(rotated) == 2
    assert _claims(untrained, before)["sub"] == "shop"

    again = run(untrained, "keys", "rotate")
    assert again.code == 2
    assert "under way" in again.err

    revoked = run(untrained, "keys", "rotate", "--revoke")
    assert revoked.code == 0
    assert "signs from" in revoked.out
    with pytest.raises(Exception, match=r"kid|key"):
        _claims(untrained, before)


@pytest.mark.parametrize(
    "identity", [{"mode": "off"}, {"jwks_url": "https://login.example.org/jwks"}], ids=range(2)
)
def test_without_an_endpoint_the_verbs_say_why(
    untrained: Project, run: Run, identity: dict[str, object]
) -> None:
    _changed(untrained, **identity)
    for arguments in (["token", "shop"], ["keys", "rotate"], ["identity"]):
        done = run(untrained, *arguments)
        assert done.code == 2
        assert "no token endpoint" in done.err


def test_off_is_said_loudly(capsys: pytest.CaptureFixture[str]) -> None:
    say_if_off(known_settings())
    assert capsys.readouterr().err == ""
    say_if_off(known_settings(mode="off"))
    assert "WARNING" in capsys.readouterr().err


@contextmanager
def _endpoint(project: Project, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`evergreen up` starts just this command."""
    environment = {**project.environment, "PYTHONPATH": str(project.root)}
    with (project.root / "endpoint.log").open("wb") as log:
        process = subprocess.Popen(
            secured.endpoint_command(),
            cwd=project.root,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or _is_ready(port), 60)
        assert process.poll() is None, (project.root / "endpoint.log").read_text()
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
    except httpx.HTTPError:
        time.sleep(0.05)
        return False


def test_a_client_comes_all_the_way_through_the_gateway(
    untrained: Project, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token or an API key from the endpoint, by way of Envoy; and the endpoint may be gone."""
    port = free_port()
    _changed(untrained, port=port, api_keys=True)
    shop = _add(run, untrained, "shop", "--api-key")
    for name, value in untrained.environment.items():
        monkeypatch.setitem(os.environ, name, value)
    known = settings.load(untrained.root)
    security = secured.secure(known, home(untrained.root), time.time())
    with running(security, untrained.root / "envoy", model="alpha") as rig, rig.client() as http:
        with _endpoint(untrained, port) as process:
            form = {"grant_type": "client_credentials", "scope": "predict:alpha"}
            told = http.post("/token", data=form, auth=(shop["client_id"], shop["client_secret"]))
            assert told.status_code == 200, told.text
            token = told.json()["access_token"]
            assert http.post("/alpha/predict", headers=bearer(token)).status_code == 200
            assert http.get("/jwks.json").json()["keys"]
            metadata = http.get("/.well-known/oauth-authorization-server").json()
            assert metadata["token_endpoint"].endswith("/token")
            wrong = http.post("/token", data=form, auth=("shop", "wrong"))
            assert wrong.status_code == 401

            for key, status in (
                (shop["api_key"], 200),
                (shop["api_key"][:-1], 401),
                ("eg.nobody.x", 401),
                (shop["client_secret"], 401),
            ):
                answer = http.post("/alpha/predict", headers={"x-api-key": key})
                assert answer.status_code == status, key
            # A good token does not make up for a wrong key beside it, nor the other way round.
            both = bearer(token) | {"x-api-key": "eg.shop.wrong"}
            assert http.post("/alpha/predict", headers=both).status_code == 401
            keyed = http.post("/alpha/predict", headers={"x-api-key": shop["api_key"]})
            assert keyed.headers["x-seen-subject"] == "shop"
            assert keyed.headers.get("x-seen-key", "") == ""

            process.send_signal(signal.SIGKILL)
            process.wait(60)

        # Tokens need no endpoint; what it alone knows is refused, not let through.
        assert http.post("/alpha/predict", headers=bearer(token)).status_code == 200
        gone = http.post("/alpha/predict", headers={"x-api-key": shop["api_key"]})
        assert gone.status_code == 503
        assert http.post("/token", data=form).status_code == 503


@pytest.mark.slow
def test_the_endpoint_drops_keys_and_tells_the_gateway_by_itself(
    untrained: Project, run: Run
) -> None:
    """Keys that another process has changed reach the gateway by the endpoint's upkeep."""
    port = free_port()
    _changed(untrained, port=port)
    _add(run, untrained, "shop")
    file = untrained.root / ".evergreen" / "gateway" / "identity" / "keys.json"
    with _endpoint(untrained, port) as process:
        first = json.loads(file.read_text())["version_info"]
        keystore.revoke(untrained.root / ".evergreen" / "keys", time.time())
        until(lambda: json.loads(file.read_text())["version_info"] != first, 30)
        process.terminate()
        assert process.wait(20) in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_said(untrained: Project, run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        _changed(untrained, port=taken.getsockname()[1])
        done = run(untrained, "identity")
    assert done.code == 2
    assert "Address already in use" in done.err
    assert "identity.port" in done.err
