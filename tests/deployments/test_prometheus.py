"""Rules and the dashboard ask for what there is; promtool says that they do what they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.alerting.exposition import exposition
from pipelines.gateway import names
from pipelines.serving.metrics import DOORS, OUTCOMES, Meters
from pipelines.settings import GatewaySettings
from tests.alerting.factories import snapshot
from tests.alerting.test_exposition import FULL
from tests.deployments import prometheus_files as files
from tests.gateway.gate import PATIENCE, Gate, gate, table
from tests.gateway.upstreams import Fleet
from tests.waiting import until

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed (Debian: apt-get install prometheus)"
)
# Prometheus's own, which no exporter exposes.
_OF_PROMETHEUS = {"up", "ALERTS"}


def promtool(*arguments: str) -> None:
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, *arguments],
        cwd=files.ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
@pytest.mark.parametrize("path", files.RULE_FILES, ids=lambda path: path.stem)
def test_prometheus_takes_the_rules(path: Path) -> None:
    promtool("check", "rules", "--lint-fatal", str(path))


@needs_promtool
def test_prometheus_takes_its_configuration() -> None:
    promtool("check", "config", str(files.FOLDER / "prometheus.yml"))


@needs_promtool
@pytest.mark.parametrize("path", files.TESTS, ids=lambda path: path.stem)
def test_the_rules_fire_when_they_should_and_not_otherwise(path: Path) -> None:
    promtool("test", "rules", str(path))


@needs_promtool
@pytest.mark.parametrize("number", range(len(files.panels())))
def test_the_dashboard_s_expressions_are_promql(number: int, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:expression{place}", "expr": _filled(target["expr"])}
        for place, target in enumerate(files.panels()[number]["targets"])
    ]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "panel", "rules": rules}]}))
    promtool("check", "rules", str(path))


def _filled(expression: str) -> str:
    return expression.replace("$model", ".*")


def test_every_alert_is_tested_both_ways() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in files.TESTS)
    for rule in files.rules("alert"):
        name = re.escape(rule["alert"])
        cases = re.findall(rf'{name}(?:"|\n)(?:.|\n)*?(?:exp_samples|exp_alerts):(.*)', text)
        # What follows on the line is [] where it is silent, nothing where it fires.
        assert {bool(case.strip()) for case in cases} == {True, False}, rule["alert"]


def test_every_alert_says_what_to_do() -> None:
    how_to = files.HOW_TO.read_text(encoding="utf-8")
    for rule in files.rules("alert"):
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        notes = rule["annotations"]
        assert notes.keys() == {"summary", "description", "runbook"}
        page, _, anchor = notes["runbook"].partition("#")
        assert files.ROOT / page == files.HOW_TO
        assert anchor == rule["alert"].lower()
        assert f"\n### {rule['alert']}\n" in how_to


def test_names_are_given_once() -> None:
    alerts = [rule["alert"] for rule in files.rules("alert")]
    assert len(alerts) == len(set(alerts))
    groups = [group["name"] for group in files.groups()]
    assert len(groups) == len(set(groups))
    recorded = [
        (rule["record"], *sorted(rule.get("labels", {}).items())) for rule in files.rules("record")
    ]
    assert len(recorded) == len(set(recorded))


def test_nothing_of_a_page_or_a_burn_rate_is_computed_and_not_used() -> None:
    used = set().union(*(files.metrics(expression) for expression in files.expressions()))
    recorded = {rule["record"] for rule in files.rules("record")}
    assert recorded - used == set()


# What really is exposed.


class _Model:
    name, version, digest = "flights", "v3", "0" * 64


def _server() -> str:
    meters = Meters(_Model())  # type: ignore[arg-type]
    meters.log({"written": 1, "dropped": 0, "failed": 0, "queued": 0})
    meters.log_health({"torn": 0, "unclosed": 0}, has_problem=False)
    return meters.exposition().decode()


@pytest.fixture(scope="module")
def envoy() -> Iterator[str]:
    """What a real Envoy exposes after requests that went well, went wrong, and went nowhere.

    Twice: the series of a cluster go with it.
    """
    fleet = Fleet()
    with gate() as running:
        server, challenger = fleet.start("flights@v3"), fleet.start("flights@v4")
        running.apply(table(server, challenger, mirror="flights@v4", fallback={"score": None}))
        assert running.predict().status_code == 200
        fleet.close()
        until(lambda: running.predict().headers.get(names.FALLBACK) == "true")
        before = _scraped(running)
        running.apply(table(server))
        assert running.predict().status_code >= 500
        yield before + _scraped(running)


def _scraped(running: Gate) -> str:
    # Envoy hands out what its workers counted when it flushes, once a second.
    time.sleep(2)
    port = running.settings.gateway.metrics_port
    return httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE).text


_SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^{}]*)\})? ", re.MULTILINE)


def exposed(text: str) -> dict[str, list[dict[str, str]]]:
    """The labels of all series, by name, as Prometheus reads them.

    prometheus_client's parser puts `_total` behind Envoy's counters, which Prometheus does not.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for name, inside in _SERIES.findall(text):
        found.setdefault(name, []).append(dict(re.findall(r'(\w+)="([^"]*)"', inside)))
    return found


@pytest.fixture(scope="module")
def series(envoy: str) -> dict[str, list[dict[str, str]]]:
    state = exposition(snapshot(FULL))
    return {**exposed(envoy), **exposed(_server()), **exposed(state)}


def test_every_metric_that_is_asked_for_is_exposed(series: dict[str, Any]) -> None:
    recorded = {rule["record"] for rule in files.rules("record")}
    for expression in files.expressions():
        missing = files.metrics(expression) - series.keys() - recorded - _OF_PROMETHEUS
        assert not missing, expression


def test_every_label_that_is_asked_for_is_there_with_such_a_value(series: dict[str, Any]) -> None:
    """By the selector of each metric: a value that is never exposed would never fire."""
    selector = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^{}]*)\}")
    recorded = {rule["record"] for rule in files.rules("record")}
    known = {
        # Given by the scrape config and by its targets.
        "model": {"flights"},
        "version": {"v3"},
    }
    for expression in files.expressions():
        for name, inside in selector.findall(_filled(expression)):
            for label, pattern in files.labels(f"{{{inside}}}"):
                if name in recorded | _OF_PROMETHEUS:
                    continue
                values = {each[label] for each in series[name] if label in each}
                values |= known.get(label, set())
                assert any(re.fullmatch(pattern, value) for value in values), (name, label, pattern)


def test_jobs_and_slis_are_those_that_there_are() -> None:
    jobs = {config["job_name"] for config in files.scrape_configs()}
    slis = {rule.get("labels", {}).get("sli") for rule in files.rules("record")}
    for expression in files.expressions():
        for label, value in files.labels(expression):
            assert label != "job" or value in jobs
            assert label != "sli" or value in slis


def test_what_users_did_not_get_is_booked_on_the_chain(series: dict[str, Any]) -> None:
    """The numerator of the budget: Envoy's own 503 counts although no server said it."""
    booked = {
        (each["envoy_cluster_name"], each["envoy_response_code_class"])
        for each in series["envoy_cluster_upstream_rq_xx"]
    }
    assert ("flights@v3/rest/chain", "5") in booked
    assert ("flights@v3/rest/chain-with-fallback", "2") in booked


def test_the_fallback_is_counted_when_it_answers(envoy: str) -> None:
    pattern = r'envoy_cluster_upstream_rq_total\{envoy_cluster_name="fallback"\} (\d+)'
    assert max(map(int, re.findall(pattern, envoy))) >= 1


def test_the_gateway_is_scraped_where_it_listens_by_default() -> None:
    [config] = [each for each in files.scrape_configs() if "gateway" in each["job_name"]]
    port = GatewaySettings().metrics_port
    assert config["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]


@pytest.mark.parametrize(
    "cluster",
    [
        names.servers("flights_minutes@v12", "rest"),
        names.behind_fault("flights_minutes@v12", "grpc"),
        names.shadow("flights_minutes@v12", "grpc"),
        names.chain("flights_minutes@v12", "rest", has_fallback=False),
        names.chain("flights_minutes@v12", "rest", has_fallback=True),
    ],
)
def test_every_cluster_of_a_version_gets_its_labels(cluster: str) -> None:
    assert _relabelled(cluster) == {"model": "flights_minutes", "version": "v12"}


def test_other_clusters_get_none() -> None:
    for cluster in (names.FALLBACK_CLUSTER, "admin"):
        assert _relabelled(cluster) == {}


def _relabelled(cluster: str) -> dict[str, str]:
    [config] = [each for each in files.scrape_configs() if "gateway" in each["job_name"]]
    found = {}
    for step in config["metric_relabel_configs"]:
        # Prometheus's patterns are anchored, and its $1 is Python's \1.
        matched = re.fullmatch(step["regex"], cluster)
        if step["source_labels"] == ["envoy_cluster_name"] and matched:
            found[step["target_label"]] = matched.expand(step["replacement"].replace("$", "\\"))
    return found


def test_the_latency_s_bound_is_one_of_the_server_s_buckets() -> None:
    bounds = set(re.findall(r'le="([^"]+)"', "".join(files.expressions())))
    assert bounds == {"0.1"}
    assert 'evergreen_request_seconds_bucket{door="predict",le="0.1"}' in _server()


def test_the_server_s_outcomes_are_told_apart_as_the_rules_do() -> None:
    assert set(OUTCOMES) == {"answered", "refused", "unavailable", "failed"}
    assert set(DOORS) == {"predict", "rest", "grpc"}


def test_the_dashboard_has_its_shape() -> None:
    found = files.dashboard()
    assert found["title"] == "Evergreen"
    variables = {each["name"] for each in found["templating"]["list"]}
    assert variables == {"source", "model"}
    ids = [panel["id"] for panel in found["panels"]]
    assert len(ids) == len(set(ids))
    for panel in files.panels():
        assert panel["title"] and panel["description"] and panel["targets"]
        assert panel["datasource"]["uid"] == "${source}"
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        letters = [target["refId"] for target in panel["targets"]]
        assert len(letters) == len(set(letters))


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in files.dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
