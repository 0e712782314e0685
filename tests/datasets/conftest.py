"""A real S3 API on a loopback port, for all tests of this package."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pandas as pd
import pytest
import s3fs

from pipelines.ports import free_port

KEY = "AKIAEXAMPLE"
SECRET = "very-secret-words"


@pytest.fixture(scope="session")
def store() -> Iterator[str]:
    """The endpoint of an S3 server; it ends with the tests."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"no server on port {port}")


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3fs.S3FileSystem]:
    """A bucket "sales" with two months in it, and the environment that leads there."""
    point_at(store, monkeypatch)
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    files.mkdir("sales")
    for number in (1, 2):
        with files.open(f"sales/y/2024-0{number}.parquet", "wb") as file:
            pd.DataFrame({"a": [number], "b": ["x"]}).to_parquet(file)
    yield files
    files.rm("sales", recursive=True)


def point_at(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
