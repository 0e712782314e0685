"""Whether Envoy would take a configuration, found out before it is given one.

An Envoy that runs refuses a bad file and goes on; one that starts with it serves nothing and says
that it is ready. So every file is tried in a process of its own, with routes and clusters written
into the static part, where Envoy is strict about them.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from typing import Any

from pipelines.errors import GatewayError
from pipelines.gateway.binary import envoy
from pipelines.gateway.dynamic import Discovery
from pipelines.gateway.names import CLUSTERS_FILE, FAULTS_FILE, ROUTES_FILE

FLAGS = ("--reject-unknown-dynamic-fields", "--disable-hot-restart", "--concurrency", "1")
_SECONDS = 30
_WORDS = re.compile(r"error initializing configuration '[^']*': (.*)")
_SHOWN = 600


def require_valid(bootstrap: Mapping[str, Any], content: Mapping[str, Discovery]) -> None:
    """Let Envoy check a configuration.

    Args:
        bootstrap: the static part.
        content: the dynamic files.

    Raises:
        GatewayError: Envoy would not take it, with its own words; or it cannot be asked.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(_inlined(bootstrap, content)))
        file.flush()
        argv = [str(envoy()), "--mode", "validate", "-c", file.name, *FLAGS, "-l", "error"]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _refused(f"cannot be asked: {error}") from error
    if done.returncode:
        raise _refused(f"would not take it: {_last_words(done.stderr, file.name)}")


def _inlined(bootstrap: Mapping[str, Any], content: Mapping[str, Discovery]) -> dict[str, Any]:
    whole = copy.deepcopy(dict(bootstrap))
    whole.pop("dynamic_resources", None)
    static = whole["static_resources"]
    static["clusters"] += [_plain(each) for each in content[CLUSTERS_FILE].resources]
    [routes] = content[ROUTES_FILE].resources
    for listener in static["listeners"]:
        for chain in listener["filter_chains"]:
            for connection in chain["filters"]:
                if connection["typed_config"].pop("rds", None):
                    connection["typed_config"]["route_config"] = _plain(routes)
    static["listeners"] += [_plain(each) for each in content[FAULTS_FILE].resources]
    return whole


def _plain(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key != "@type"}


def _last_words(stderr: str, name: str) -> str:
    """What it says of the first thing that is wrong, without the configuration it repeats."""
    found = _WORDS.search(stderr)
    words = found.group(1) if found else stderr.strip() or "it said nothing"
    return words.replace(name, "the configuration")[:_SHOWN]


def _refused(problem: str) -> GatewayError:
    return GatewayError(
        f"Envoy {problem}",
        where="the gateway's configuration",
        next_step="what was served before still is; report this, with the table of the rollout",
    )
