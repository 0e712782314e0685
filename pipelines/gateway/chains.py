"""Who answers in whose place: the version that was chosen, the champion, the previous version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.gateway import names
from pipelines.gateway.names import PROTOCOLS, Protocol
from pipelines.gateway.table import ModelTable

# What is left for the way there and back, and for the first answer that comes at once.
_SHARE_OF_TIMEOUT = 0.95


@dataclass(frozen=True)
class Chain:
    """Versions in the order in which they are asked.

    Attributes:
        versions: at least one, each once.
        has_fallback: whether the declared answer comes after the last of them.
        tries_each: how often each version is asked, each time at another of its servers.
    """

    versions: tuple[str, ...]
    protocol: Protocol
    has_fallback: bool
    tries_each: int

    @property
    def name(self) -> str:
        """Of its cluster."""
        return names.chain(self.versions[0], self.protocol, has_fallback=self.has_fallback)

    @property
    def clusters(self) -> tuple[str, ...]:
        """Of the versions, and of the fallback."""
        found = tuple(names.servers(version, self.protocol) for version in self.versions)
        return (*found, names.FALLBACK_CLUSTER) if self.has_fallback else found

    @property
    def retries(self) -> int:
        """How often a request may be asked again."""
        return self.tries_each * len(self.versions) - 1 + self.has_fallback

    def seconds_each(self, timeout_seconds: float) -> float:
        """How long one try may take, so that all of them fit into the timeout."""
        tries = self.tries_each * len(self.versions)
        return timeout_seconds * _SHARE_OF_TIMEOUT / tries


def chains(model: ModelTable) -> Iterator[Chain]:
    """Every chain that the routes of a model lead to."""
    for version in dict.fromkeys((*chosen(model), model.champion)):
        for protocol in PROTOCOLS:
            yield chain_of(model, version, protocol)
        if model.fallback is not None:
            yield chain_of(model, version, "rest", has_fallback=True)


def chosen(model: ModelTable) -> list[str]:
    """The versions with a weight, the champion last.

    Envoy gives the first version the lowest numbers of 100, so that one whose weight grows keeps
    the subjects that it has, and only takes more.
    """
    weighted = [version for version, weight in model.weights.items() if weight]
    return sorted(weighted, key=lambda version: version == model.champion)


def chain_of(
    model: ModelTable, version: str, protocol: Protocol, *, has_fallback: bool = False
) -> Chain:
    """The chain that begins with a version."""
    asked = [version, model.champion, *([model.previous] if model.previous else [])]
    versions = tuple(dict.fromkeys(asked))
    fewest = min(len(model.upstreams[each]) for each in versions)
    return Chain(versions, protocol, has_fallback, tries_each=2 if fewest > 1 else 1)
