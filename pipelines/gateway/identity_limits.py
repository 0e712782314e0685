"""How often one subject may ask, as Envoy's local rate limit.

Counted by what the token says and never by a header, which a client could set. Buckets are in
Envoy's memory: with several gateways, each has its own.
"""

from __future__ import annotations

from typing import Any

from pipelines.gateway.identity_scopes import CLAIMS, JWT_METADATA
from pipelines.settings import IdentitySettings, TierSettings

LIMIT_FILTER = "envoy.filters.http.local_ratelimit"
DEFAULT_TIER = "standard"
_LIMIT = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
# Subjects with a bucket at a time; beyond that the one that asked longest ago loses its own.
_SUBJECTS = 10_000


def limit_filter(identity: IdentitySettings) -> dict[str, Any]:
    """A bucket for each subject, as large as its tier says.

    A token without a tier is of the tier `standard`. All subjects of a tier that params.yaml does
    not know share one bucket of the smallest tier.
    """
    buckets = [
        {
            "entries": [{"key": "tier", "value": name}, {"key": "subject"}],
            "token_bucket": _bucket(tier),
        }
        for name, tier in sorted(identity.tiers.items())
    ]
    by_claims = [_claim("tier", "tier", DEFAULT_TIER), _claim("sub", "subject", None)]
    config = {
        "@type": _LIMIT,
        "stat_prefix": "subjects",
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
        "token_bucket": _bucket(min(identity.tiers.values(), key=lambda tier: tier.per_second)),
        "always_consume_default_token_bucket": False,
        "max_dynamic_descriptors": _SUBJECTS,
        "rate_limits": [{"actions": by_claims}],
        "descriptors": buckets,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "rate_limited_as_resource_exhausted": True,
        # Every bucket is filled each second.
        "response_headers_to_add": [
            {
                "header": {"key": "retry-after", "value": "1"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
    return {"name": LIMIT_FILTER, "typed_config": config}


def _claim(claim: str, key: str, default: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "metadata_key": {"key": JWT_METADATA, "path": [{"key": CLAIMS}, {"key": claim}]},
        "descriptor_key": key,
        "source": "DYNAMIC",
    }
    if default is not None:
        found["default_value"] = default
    return {"metadata": found}


def _bucket(tier: TierSettings) -> dict[str, Any]:
    return {
        "max_tokens": max(tier.burst, tier.per_second),
        "tokens_per_fill": tier.per_second,
        "fill_interval": "1s",
    }
