"""Manifests: Kubernetes would take every one of them, and they say what was promised."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from pipelines import settings
from pipelines.deploying import Deployable, Placement, Tokens, manifests, render
from pipelines.deploying.manifests import TEMPLATES
from pipelines.errors import DeployError
from pipelines.serving import places
from pipelines.settings.gateway import GatewaySettings
from pipelines.settings.kubernetes import KubernetesSettings
from tests.architecture.source import ROOT
from tests.deploying.knative import KNATIVE_SERVICE

# The newest that the validator knows, and the oldest that has every field in use.
KUBERNETES = (kubernetes_validate.latest_version(), "1.27")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
ANNOTATION_KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DocumentsByKind = dict[str, dict[str, Any]]


def documents(version: Deployable, **placement: Any) -> DocumentsByKind:
    text = render(version, Placement(**placement), ROOT / TEMPLATES)
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def check(document: dict[str, Any], kubernetes: str) -> None:
    kubernetes_validate.validate(document, kubernetes, strict=True)


@pytest.fixture(scope="module")
def resident(version: Deployable) -> DocumentsByKind:
    return documents(version)


@pytest.fixture(scope="module")
def serverless(version: Deployable) -> DocumentsByKind:
    return documents(version, is_serverless=True)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_takes_every_document(resident: DocumentsByKind, kubernetes: str) -> None:
    assert len(resident) == len(manifests.RESIDENT)
    for document in resident.values():
        check(document, kubernetes)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Deployment", "spec.replica", 2),
        ("Deployment", "spec.template.spec.containers.0.livenessProbe.httpGet.prot", 1),
        ("Deployment", "spec.template.spec.securityContext.runAsUser", "10001"),
        ("Service", "spec.ports.0.port", "http"),
        ("HorizontalPodAutoscaler", "spec.behavior.scaleDown.stabilisationWindowSeconds", 1),
        ("PodDisruptionBudget", "spec.selector.labels", {}),
        ("NetworkPolicy", "spec.egres", []),
        ("ServiceAccount", "automountServiceAccountToken", "false"),
    ],
)
def test_the_validator_would_notice(
    resident: DocumentsByKind, kubernetes: str, kind: str, path: str, wrong: object
) -> None:
    document = copy.deepcopy(resident[kind])
    place: Any = document
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step) if step.isdigit() else step]
    place[last] = wrong

    with pytest.raises(kubernetes_validate.ValidationError):
        check(document, kubernetes)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_knative_takes_the_serverless_form(serverless: DocumentsByKind, kubernetes: str) -> None:
    assert set(serverless) == {"ServiceAccount", "Service"}
    service = serverless["Service"]
    jsonschema.validate(service, KNATIVE_SERVICE)
    # What Knative hands on to Kubernetes must be a pod there.
    spec = dict(service["spec"]["template"]["spec"])
    del spec["containerConcurrency"], spec["timeoutSeconds"]
    check({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec}, kubernetes)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("containerConcurrency", -1),
        ("timeoutSeconds", "10s"),
        ("terminationGracePeriodSeconds", 60),
        ("securityContext", {"runAsNonRoot": True}),
        ("automountServiceAccountToken", True),
    ],
)
def test_what_knative_would_refuse_is_noticed(
    serverless: DocumentsByKind, path: str, wrong: object
) -> None:
    service = copy.deepcopy(serverless["Service"])
    service["spec"]["template"]["spec"][path] = wrong

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(service, KNATIVE_SERVICE)


@pytest.mark.parametrize("wrong", ["lifecycle", "ports"])
def test_knative_takes_no_hooks_and_one_port(serverless: DocumentsByKind, wrong: str) -> None:
    service = copy.deepcopy(serverless["Service"])
    container = service["spec"]["template"]["spec"]["containers"][0]
    container["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "1"]}}}
    if wrong == "ports":
        del container["lifecycle"]
        container["ports"].append({"name": "h2c", "containerPort": 3001})

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(service, KNATIVE_SERVICE)


def test_a_pod_may_do_nothing_that_it_need_not(
    resident: DocumentsByKind, serverless: DocumentsByKind
) -> None:
    for document in (resident["Deployment"], serverless["Service"]):
        spec = document["spec"]["template"]["spec"]
        [container] = spec["containers"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": manifests.USER,
            "runAsGroup": manifests.USER,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        writable = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert writable == {manifests.STATE_FOLDER, "/tmp"}
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            volume["name"] for volume in spec["volumes"]
        }


def test_everything_selects_the_pods_of_the_deployment(resident: DocumentsByKind) -> None:
    spec = resident["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"].items()
    selectors = [
        spec["selector"]["matchLabels"],
        resident["Service"]["spec"]["selector"],
        resident["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        resident["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *(
            each["labelSelector"]["matchLabels"]
            for each in spec["template"]["spec"]["topologySpreadConstraints"]
        ),
    ]

    for selector in selectors:
        assert selector == selectors[0]
        assert selector.items() <= labels
        # A selector cannot be changed: with the version in it no update would go through.
        assert "app.kubernetes.io/version" not in selector
    target = resident["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert target["name"] == resident["Deployment"]["metadata"]["name"]


def test_an_update_never_takes_a_pod_away_first(resident: DocumentsByKind) -> None:
    spec = resident["Deployment"]["spec"]

    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert resident["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 2
    assert "replicas" not in spec, "kubectl apply would undo the autoscaler"


def test_probes_ask_the_right_questions(resident: DocumentsByKind) -> None:
    [container] = resident["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    asked = {
        name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")
    }

    assert ports == {"http": 3000, "grpc": 3001}
    assert asked["startup"]["path"] == asked["readiness"]["path"] == "/readyz"
    assert asked["liveness"]["path"] == "/livez"
    published = {port["targetPort"] for port in resident["Service"]["spec"]["ports"]}
    allowed = resident["NetworkPolicy"]["spec"]["ingress"][0]["ports"]
    assert published == {port["port"] for port in allowed} == set(ports)


@pytest.mark.parametrize("seconds", [0.5, 10.0, 120.0])
def test_a_pod_lives_longer_than_its_longest_request(version: Deployable, seconds: float) -> None:
    slow = dataclasses.replace(version, timeout_seconds=seconds)
    spec = documents(slow)["Deployment"]["spec"]["template"]["spec"]
    [sleep, paused] = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]

    assert sleep == "sleep"
    assert spec["terminationGracePeriodSeconds"] > int(paused) + seconds
    knative = documents(slow, is_serverless=True)["Service"]["spec"]["template"]["spec"]
    assert knative["timeoutSeconds"] == math.ceil(seconds)


def test_what_is_beyond_knative_is_refused_or_bounded(version: Deployable) -> None:
    wide = documents(dataclasses.replace(version, concurrency=5000), is_serverless=True)
    jsonschema.validate(wide["Service"], KNATIVE_SERVICE)

    slow = dataclasses.replace(version, timeout_seconds=601.0)
    with pytest.raises(DeployError, match=r"serve\.timeout_seconds"):
        documents(slow, is_serverless=True)


def test_a_larger_model_and_more_workers_get_more(version: Deployable) -> None:
    def asked(**changes: int) -> tuple[int, float]:
        spec = documents(dataclasses.replace(version, **changes))["Deployment"]["spec"]
        resources = spec["template"]["spec"]["containers"][0]["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}
        return (
            int(resources["requests"]["memory"].removesuffix("Mi")),
            float(resources["requests"]["cpu"]),
        )

    small, large, many = asked(), asked(model_bytes=400 * 2**20), asked(workers=4)
    assert large[0] - small[0] > 3 * 400 - 64  # each is rounded to the next 64
    assert large[1] == small[1]
    assert many[0] >= 2 * small[0]
    assert many[1] == 4


def test_where_a_pod_comes_from_is_written_on_it(
    resident: DocumentsByKind, version: Deployable
) -> None:
    pod = resident["Deployment"]["spec"]["template"]["metadata"]

    assert pod["labels"]["app.kubernetes.io/version"] == "v3"
    assert pod["annotations"] == {
        "evergreen/version": "flights@v3",
        "evergreen/bento": version.tag,
        "evergreen/git-sha": version.labels["git_sha"],
        "evergreen/data-hash": version.labels["data_hash"],
        "evergreen/params-hash": version.labels["params_hash"],
        "evergreen/lock-hash": version.labels["lock_hash"],
        "evergreen/model-sha256": version.labels["model_sha256"],
    }
    for document in resident.values():
        assert all(map(LABEL_VALUE.fullmatch, document["metadata"]["labels"].values()))
    assert all(map(ANNOTATION_KEY.fullmatch, pod["annotations"]))


def test_a_model_with_underscores_gets_names_without(version: Deployable) -> None:
    found = documents(dataclasses.replace(version, model="flights_minutes_"))
    names = {document["metadata"]["name"] for document in found.values()}

    assert len(names) == 1
    assert re.fullmatch(r"flights-minutes-[0-9a-f]{8}", names.pop())
    assert (
        found["Deployment"]["spec"]["template"]["metadata"]["annotations"]["evergreen/version"]
        == "flights_minutes_@v3"
    )


def test_another_name_stands_beside(version: Deployable, resident: DocumentsByKind) -> None:
    canary = documents(version, name="flights-canary")

    selector = canary["Service"]["spec"]["selector"]
    assert selector != resident["Service"]["spec"]["selector"]
    assert selector["app.kubernetes.io/name"] == "flights"
    for document in canary.values():
        assert document["metadata"]["name"] == "flights-canary"


def test_a_claim_keeps_the_prediction_log(version: Deployable) -> None:
    found = documents(version, log_claim="predictions")["Deployment"]
    volumes = {each["name"]: each for each in found["spec"]["template"]["spec"]["volumes"]}

    assert volumes["state"]["persistentVolumeClaim"] == {"claimName": "predictions"}
    check(found, KUBERNETES[0])


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("is_serverless", [False, True])
def test_pods_are_told_whose_tokens_and_which_key(
    version: Deployable, is_serverless: bool, kubernetes: str
) -> None:
    tokens = Tokens("evergreen-jwks", "https://evergreen.localhost", "evergreen")
    placement = {"tokens": tokens, "log_key_secret": "evergreen-log-key"}
    found = documents(version, is_serverless=is_serverless, **placement)
    if is_serverless:
        template = found["Service"]["spec"]["template"]
        jsonschema.validate(found["Service"], KNATIVE_SERVICE)
    else:
        template = found["Deployment"]["spec"]["template"]
        check(found["Deployment"], kubernetes)
    [container] = template["spec"]["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in template["spec"]["volumes"]}

    assert (told[places.ISSUER], told[places.AUDIENCE]) == (tokens.issuer, tokens.audience)
    assert told[places.JWKS] == f"{mounts['jwks']['mountPath']}/jwks.json"
    assert volumes["jwks"]["configMap"] == {"name": "evergreen-jwks"}
    assert told[places.KEY] == f"{mounts['log-key']['mountPath']}/prediction-log.key"
    assert volumes["log-key"]["secret"] == {"secretName": "evergreen-log-key"}
    for name in ("jwks", "log-key"):
        assert mounts[name]["readOnly"]
        # A file by `subPath` would never see a key that was rotated.
        assert "subPath" not in mounts[name]


def test_without_keys_in_params_nothing_is_mounted(version: Deployable) -> None:
    known = settings.load(ROOT)
    assert Tokens.of(known) is None
    named = GatewaySettings(kubernetes=KubernetesSettings(jwks_config_map="keys"))
    tokens = Tokens.of(known.model_copy(update={"gateway": named}))
    assert tokens == Tokens("keys", "https://evergreen.localhost", "evergreen")
    [container] = documents(version)["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in container["env"]] == ["OMP_NUM_THREADS"]
    assert {each["name"] for each in container["volumeMounts"]} == {"state", "tmp"}


@pytest.mark.parametrize(
    "hostile", ["1e3", "no", "null", "a: b", "x\n  privileged: true", "{{ user }}", '"', "Zürich #"]
)
def test_a_value_never_becomes_structure(version: Deployable, hostile: str) -> None:
    labelled = dataclasses.replace(version, labels={**version.labels, "data_hash": hostile})
    found = documents(labelled)["Deployment"]

    for annotated in (found["metadata"], found["spec"]["template"]["metadata"]):
        assert annotated["annotations"]["evergreen/data-hash"] == hostile
    assert "privileged" not in found["spec"]


@pytest.mark.parametrize(
    "placement",
    [{"image": "flights:latest"}, {"image": "flights"}, {"name": "Flights"}, {"log_claim": "a b"}],
)
def test_wrong_wishes_are_refused(version: Deployable, placement: dict[str, str]) -> None:
    with pytest.raises(DeployError):
        documents(version, **placement)


def test_the_same_again_is_the_same_text(version: Deployable) -> None:
    first = render(version, Placement(), ROOT / TEMPLATES)

    assert render(version, Placement(), ROOT / TEMPLATES) == first
    assert "{{" not in first
    assert not re.search(r"[ \t]$", first, re.MULTILINE)
