"""Tests stand where the code stands; what has no test file of its own says why."""

from __future__ import annotations

import pytest

from tests.architecture.source import ROOT, is_docstring_only, modules

# What is tested through the thing it is made for, in the file or folder named.
ELSEWHERE = {
    "tests/alerting/test_exposition.py": ["pipelines.alerting.families"],
    "tests/alerting/test_messages.py": ["pipelines.alerting.events"],
    "tests/alerting/test_reading.py": ["pipelines.alerting.facts"],
    # What is found shows in what goes.
    "tests/cleaning/test_removing.py": ["pipelines.cleaning.finding", "pipelines.cleaning.items"],
    "tests/datasets/test_table.py": ["pipelines.datasets.base", "pipelines.datasets.columns"],
    "tests/datasets/sources/test_files.py": [
        "pipelines.datasets.sources",
        "pipelines.datasets.sources.csvfile",
        "pipelines.datasets.sources.local",
        "pipelines.datasets.sources.parquetfile",
        "pipelines.datasets.sources.reading",
    ],
    "tests/deploying/test_manifests.py": ["pipelines.deploying"],
    "tests/evaluation/test_metrics.py": ["pipelines.evaluation.names"],
    # What Supervisor is told, and what became of it, can be seen with a Supervisor only.
    "tests/fleet/test_fleet.py": [
        "pipelines.fleet.daemon",
        "pipelines.fleet.launch",
        "pipelines.fleet.remote",
        "pipelines.fleet.strays",
    ],
    # The filters are one chain, and are tried in a running Envoy.
    "tests/gateway/test_identity_filters.py": [
        "pipelines.gateway.identity_limits",
        "pipelines.gateway.identity_scopes",
    ],
    "tests/identity/test_endpoint.py": ["pipelines.identity.authorization"],
    "tests/gates/test_judge.py": ["pipelines.gates.evidence"],
    # What Envoy is told shows in what it does, and its tests ask a real one.
    "tests/gateway/test_applying.py": [
        "pipelines.gateway.dynamic",
        "pipelines.gateway.locking",
        "pipelines.gateway.preflight",
    ],
    "tests/gateway/test_chains.py": ["pipelines.gateway.clusters"],
    "tests/gateway/test_checking.py": ["pipelines.gateway.table"],
    "tests/gateway/test_preparing.py": [
        "pipelines.gateway.binary",
        "pipelines.gateway.bootstrap",
        "pipelines.gateway.prepared",
        "pipelines.gateway.security",
    ],
    "tests/gateway/test_routes.py": ["pipelines.gateway.doors", "pipelines.gateway.names"],
    "tests/gateway/test_start.py": ["pipelines.gateway"],
    # What is called how and kept where can be seen in what is written.
    "tests/kubernetes/test_client.py": ["pipelines.kubernetes.kinds"],
    "tests/kubernetes/test_routes.py": ["pipelines.kubernetes.names"],
    "tests/inference/test_encode.py": [
        "pipelines.inference.categories",
        "pipelines.inference.coded",
        "pipelines.inference.numbers",
    ],
    "tests/test_judging.py": [
        "pipelines.copies",
        "pipelines.gates.copy",
        "pipelines.judging.behaving",
        "pipelines.judging.candidates",
        "pipelines.judging.deciding",
        "pipelines.judging.full",
    ],
    "tests/gates/test_noninferiority.py": ["pipelines.gates.differences"],
    "tests/models/test_families.py": [
        "pipelines.models.base",
        "pipelines.models.baseline",
        "pipelines.models.hist_gradient_boosting",
        "pipelines.models.forest",
        "pipelines.models.logistic",
        "pipelines.models.mlp",
        "pipelines.models.sgd",
        "pipelines.models.svm",
        "pipelines.models.tabular",
    ],
    # What is counted is one thing to try, from the logs to the evidence.
    "tests/observing/test_observe.py": [
        "pipelines.observing.answers",
        "pipelines.observing.canary",
        "pipelines.observing.labels",
        "pipelines.observing.mirror",
        "pipelines.observing.requests",
        "pipelines.observing.scores",
        "pipelines.observing.sources",
        "pipelines.observing.tallying",
    ],
    "tests/packaging/test_build.py": [
        "pipelines.packaging",
        "pipelines.packaging.bento",
        "pipelines.packaging.content",
        "pipelines.packaging.store",
    ],
    "tests/packaging/test_proof.py": ["pipelines.packaging.server"],
    # What a look reads means something only with all that it reads.
    "tests/monitoring/test_check.py": [
        "pipelines.monitoring.baseline",
        "pipelines.monitoring.looking",
        "pipelines.monitoring.profile",
    ],
    "tests/monitoring/test_drift.py": ["pipelines.monitoring.comparing"],
    "tests/monitoring/test_pages.py": [
        "pipelines.monitoring.evidently_report",
        "pipelines.monitoring.plots",
        "pipelines.monitoring.samples",
    ],
    "tests/monitoring/test_policy.py": [
        "pipelines.monitoring.action",
        "pipelines.monitoring.evidence",
        "pipelines.monitoring.wording",
    ],
    "tests/monitoring/test_quality.py": ["pipelines.monitoring.answers"],
    "tests/monitoring/test_scenarios.py": [
        "pipelines.monitoring.declared",
        "pipelines.monitoring.skew",
    ],
    "tests/monitoring/test_windows.py": ["pipelines.monitoring.columns"],
    "tests/monitoring/triggers/test_inbox.py": [
        "pipelines.monitoring.triggers.events",
        "pipelines.monitoring.triggers.situation",
    ],
    "tests/predictions/test_log.py": ["pipelines.predictions.counts"],
    "tests/releasing/test_beginning.py": [
        "pipelines.releasing.ids",
        "pipelines.releasing.project",
        "pipelines.releasing.registered",
    ],
    "tests/releasing/test_ticking.py": [
        "pipelines.releasing.looking",
        "pipelines.releasing.people",
        "pipelines.releasing.router",
        "pipelines.releasing.writing",
    ],
    "tests/flows/test_rollout.py": ["pipelines.releasing.history", "pipelines.releasing.logs"],
    "tests/reporting/test_pages.py": ["pipelines.reporting"],
    "tests/reporting/test_plots.py": ["pipelines.evaluation.plots"],
    # What happens, what it leads to, and what the gateway is told, are one thing to try.
    "tests/rollout/test_machine.py": [
        "pipelines.rollout.events",
        "pipelines.rollout.plan",
        "pipelines.rollout.routing",
        "pipelines.rollout.waiting",
    ],
    "tests/rollout/test_analysis.py": ["pipelines.rollout.tally", "pipelines.rollout.wording"],
    "tests/rollout/test_instant.py": ["pipelines.rollout.clock"],
    "tests/scoring/test_predict.py": [
        "pipelines.scoring",
        "pipelines.scoring.csv_source",
        "pipelines.scoring.header",
        "pipelines.scoring.sink",
        "pipelines.scoring.source",
    ],
    "tests/serving/test_service.py": ["pipelines.serving.release"],
    # The doors of a worker, opened together.
    "tests/serving/test_front.py": ["pipelines.serving.server"],
    # Where BentoML enters shows in the first line of a server's log.
    "tests/serving/test_logs.py": ["pipelines.serving.entry"],
    "tests/serving/test_chain.py": ["pipelines.packaging.chain", "pipelines.serving.opening"],
    "tests/settings/test_settings.py": [
        "pipelines.settings",
        "pipelines.settings.fields",
        "pipelines.settings.gateway",
        "pipelines.settings.loading",
        "pipelines.settings.models",
        "pipelines.settings.monitoring",
        "pipelines.settings.running",
        "pipelines.settings.stages",
    ],
    # Locust patches the process that imports it, so the load is only ever run.
    "tests/stress/test_generator.py": [
        "pipelines.stress",
        "pipelines.stress.grpc_load",
        "pipelines.stress.locustfile",
        "pipelines.stress.run",
    ],
    # Bringing a stack in line is one act of all of these.
    "tests/stack/test_reconcile.py": ["pipelines.stack.reading", "pipelines.stack.route"],
    "tests/stack/test_starting.py": ["pipelines.stack.programs", "pipelines.stack.waiting"],
    "tests/stages/test_main.py": ["pipelines.orphans"],
    # The stage is the one way into validation, and its tests plant faults in real files.
    "tests/stages/test_validate.py": [
        "pipelines.validation.builtin.rowwise",
        "pipelines.validation.builtin.structure",
        "pipelines.validation.inspection",
        "pipelines.validation.loading",
        "pipelines.validation.page",
        "pipelines.validation.quarantine",
        "pipelines.validation.results",
        "pipelines.validation.strict_yaml",
        "pipelines.validation.wording",
    ],
    # A parent means something only to who goes on from it.
    "tests/models/test_compress.py": ["pipelines.gates.compression"],
    "tests/stages/test_train.py": ["pipelines.models.artifact", "pipelines.models.given"],
    "tests/models/test_incremental.py": ["pipelines.models.parents", "pipelines.models.resume"],
    "tests/stages/test_tasks.py": ["pipelines.evaluation.curves", "pipelines.models.tasks"],
    "tests/statistics/test_auc.py": ["pipelines.statistics.arrays"],
    "tests/tuning/test_dask_engine.py": ["pipelines.tuning.dask_cluster"],
    # Journals and workers mean something in a search only: torn, killed, raced.
    "tests/tuning/test_study.py": [
        "pipelines.tuning.journal",
        "pipelines.tuning.plots",
        "pipelines.tuning.workers",
    ],
}
FILE_OF = {module: file for file, names in ELSEWHERE.items() for module in names}
# Orchestration is tested as a whole, run by run, kill by kill.
WHOLE = ("flows", "pipelines.state", "pipelines.versioning")


def own_test(module: str) -> str:
    parts = module.split(".")
    folder = parts[1:-1] if parts[0] == "pipelines" else parts[:-1]
    return "/".join(["tests", *folder, f"test_{parts[-1].strip('_')}.py"])


def _is_whole(module: str) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in WHOLE)


@pytest.mark.parametrize("module", sorted(modules()))
def test_every_module_has_a_test_file_or_a_reason(module: str) -> None:
    path = modules()[module]
    if (path.name == "__init__.py" and is_docstring_only(path)) or _is_whole(module):
        return
    file = FILE_OF.get(module, own_test(module))
    assert (ROOT / file).exists(), f"write {own_test(module)}"


def test_reasons_are_given_for_modules_that_need_one() -> None:
    assert FILE_OF.keys() <= modules().keys()
    for module in FILE_OF:
        assert not (ROOT / own_test(module)).exists(), f"{module} has a test file of its own"
