"""schemathesis against the document of a started server: no 5xx, and answers as described."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.packaging.server import Server, running
from tests.packaged import Packaged

CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    ]
)
EXAMPLES = 40
# More rows than are taken at once are too large, which schemathesis does not count as refused.
CONFIGURATION = """
[checks.negative_data_rejection]
expected-statuses = [400, 405, 413, 415, 422]
"""


@pytest.fixture(scope="module")
def server(packaged: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("schemathesis") / "server.log"
    with running(packaged.tag, packaged.home, 60, log) as started:
        yield started
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_the_server_is_what_its_document_says(server: Server, tmp_path: Path) -> None:
    url = f"http://{server.host}:{server.port}/docs.json"
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    # A process of its own: it prints which request broke which promise, ready to send again.
    command = [
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(configuration)),
        *("run", url, "--checks", CHECKS, "--max-examples", str(EXAMPLES), "--seed", "1"),
        *("--phases", "examples,coverage,fuzzing", "--generation-database", "none"),
        *("--no-color", "--request-timeout", "20"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
