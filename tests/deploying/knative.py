"""What Knative takes of `serving.knative.dev/v1` Service, as a JSON schema.

Knative ships no schema of its own that says more than "an object" of a pod. Its webhook refuses
fields instead: these are the ones that it takes by default, without any of the feature flags.
"""

from __future__ import annotations

from typing import Any

_STRINGS = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 63},
        "labels": _STRINGS,
        "annotations": _STRINGS,
    },
    "additionalProperties": False,
}
_SECURITY = {
    "type": "object",
    "properties": {
        name: {}
        for name in (
            "allowPrivilegeEscalation",
            "capabilities",
            "readOnlyRootFilesystem",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
            "seccompProfile",
        )
    },
    "additionalProperties": False,
}
_CONTAINER = {
    "type": "object",
    "required": ["image"],
    "properties": {
        **{
            name: {}
            for name in (
                "args",
                "command",
                "env",
                "envFrom",
                "image",
                "imagePullPolicy",
                "livenessProbe",
                "name",
                "readinessProbe",
                "resources",
                "startupProbe",
                "volumeMounts",
                "workingDir",
            )
        },
        "securityContext": _SECURITY,
        "ports": {
            "type": "array",
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["containerPort"],
                "properties": {
                    "name": {"enum": ["", "http1", "h2c"]},
                    "containerPort": {"type": "integer", "minimum": 1, "maximum": 65535},
                    "protocol": {"const": "TCP"},
                },
                "additionalProperties": False,
            },
        },
    },
    "additionalProperties": False,
}
_REVISION = {
    "type": "object",
    "required": ["containers"],
    "properties": {
        "containers": {"type": "array", "minItems": 1, "items": _CONTAINER},
        "volumes": {"type": "array"},
        "serviceAccountName": {"type": "string"},
        "imagePullSecrets": {"type": "array"},
        "enableServiceLinks": {"type": "boolean"},
        "automountServiceAccountToken": {"const": False},
        "containerConcurrency": {"type": "integer", "minimum": 0, "maximum": 1000},
        "timeoutSeconds": {"type": "integer", "minimum": 1, "maximum": 600},
        "responseStartTimeoutSeconds": {"type": "integer", "minimum": 0},
        "idleTimeoutSeconds": {"type": "integer", "minimum": 0},
    },
    "additionalProperties": False,
}
KNATIVE_SERVICE: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "serving.knative.dev/v1"},
        "kind": {"const": "Service"},
        "metadata": {**_METADATA, "required": ["name"]},
        "spec": {
            "type": "object",
            "required": ["template"],
            "properties": {
                "template": {
                    "type": "object",
                    "required": ["spec"],
                    "properties": {"metadata": _METADATA, "spec": _REVISION},
                    "additionalProperties": False,
                },
                "traffic": {"type": "array"},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
