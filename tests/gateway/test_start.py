"""A start after a crash: quick, and on files that are known to be good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import GatewayError
from pipelines.gateway import Table, dynamic, start
from tests.gateway.gate import Gate, gate, table, version_of
from tests.gateway.upstreams import Fleet
from tests.waiting import until

V3 = "flights@v3"


def test_a_killed_envoy_serves_what_it_served_as_soon_as_it_runs(fleet: Fleet) -> None:
    with gate() as found:
        found.apply(table(fleet.start(V3)))
        for _ in range(2):
            assert found.process is not None
            found.process.kill()
            found.process.wait(60)
            seconds = found.start()
            print(f"answered after {seconds:.2f} s")
            assert version_of(found.predict()) == V3


@pytest.mark.parametrize("name", dynamic.FILES)
@pytest.mark.parametrize("how", ["edited", "torn", "gone"])
def test_a_start_on_a_damaged_file_uses_the_last_good_ones(
    fleet: Fleet, name: str, how: str
) -> None:
    with gate(is_started=False) as found:
        found.apply(table(fleet.start(V3)))
        path = found.folder / name
        text = path.read_text()
        if how == "gone":
            path.unlink()
        else:
            path.write_text(text.replace("{", "{ ", 3) + "x" if how == "edited" else text[:-40])
        found.start()
        assert version_of(found.predict()) == V3
        assert path.read_text() == text
        assert "replaced by the last good ones" in found.log.read_text()


def test_nothing_that_is_whole_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    with gate(is_started=False) as found:
        for base in (found.folder, found.folder / ".last-good"):
            (base / "routes.json").write_text("{}")
        argv = [*found.argv]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert "next step: run `evergreen up`" in done.stderr
    with pytest.raises(GatewayError, match="not prepared"):
        start.command(tmp_path)
    assert start.main([str(tmp_path)]) == 2


def test_the_command_makes_sure_of_the_files_first(capsys: pytest.CaptureFixture[str]) -> None:
    with gate(is_started=False) as found:
        argv = start.command(found.folder)
        assert Path(argv[0]).name == "envoy"
        assert "--reject-unknown-dynamic-fields" in argv
        assert capsys.readouterr().err == ""
        (found.folder / "clusters.json").write_text("{}")
        log = found.folder / "access.log"
        log.write_text('{"time": "1"}\n{"ti')
        assert start.command(found.folder) == argv
        assert "replaced by the last good ones" in capsys.readouterr().err
        assert dynamic.read(found.folder / "clusters.json") is not None
        assert log.read_text() == '{"time": "1"}\n{"ti\n'


def test_what_a_killed_envoy_left_of_its_last_line_is_ended(fleet: Fleet) -> None:
    with gate() as found:
        found.apply(table(fleet.start(V3)))
        found.predict()
        log = found.folder / "access.log"
        until(lambda: b"/predict" in log.read_bytes() and log.read_bytes().endswith(b"\n"))
        found.kill()
        whole = log.read_bytes()
        log.write_bytes(whole + whole.splitlines()[-1][:60])
        found.start()
        found.predict()
        kinds = [each.kind for each in found.logged() if each.model]
        assert kinds == ["predict", "predict"]


def test_the_command_is_another_when_envoy_has_to_be_started_anew(running: Gate) -> None:
    # Its own folder, so that the one of the other tests is left alone.
    with gate(is_started=False) as one:
        from pipelines.gateway import Security, prepare
        from tests.gateway.gate import settings

        assert prepare(one.folder, one.settings, Security.off()) == one.argv
        assert prepare(one.folder, settings(), Security.off()) != one.argv


def test_it_becomes_envoy_without_the_rest_of_the_project() -> None:
    code = (
        "import sys, pipelines.gateway.start;"
        "print(*sorted({'pydantic','jinja2','yaml','sqlalchemy','pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_empty_table_serves_the_gateway_itself(running: Gate) -> None:
    running.apply(Table())
    assert running.client.get("/healthz").status_code == 200
    assert running.predict().status_code == 404
