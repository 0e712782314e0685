"""What the API refused, in words that name the object, the field and what to do."""

from __future__ import annotations

from typing import Any

import httpx

from pipelines.errors import ClusterError

_NEXT = {
    401: "the token or client certificate is not known any more: log in to the cluster again",
    403: "apply deployments/kubernetes/controller/rbac.yaml, and use its service account",
    409: "run the same command again: it begins with what is there now",
    413: "the object is larger than the API takes: leave out versions that nobody needs",
    429: "the API has too much to do: run the same command again in a minute",
}
_SCHEMA = "report it with `kubectl version`: what is written does not fit this cluster's API"
_NO_SUCH_KIND = (
    "install the Gateway API, 1.1 or newer (`kubectl get crd httproutes.gateway.networking.k8s.io`)"
)
_OVER = "see whether the control plane is well (`kubectl get --raw /readyz?verbose`)"


class ConflictError(ClusterError):
    """The object is not as it was when it was read; nothing was written."""


def refusal(response: httpx.Response, where: str) -> ClusterError:
    """The error that stands for an answer of the API.

    Args:
        response: one that is no success.
        where: what was asked, as in `apply HTTPRoute evergreen/flights`.
    """
    status, content = response.status_code, _content(response)
    kind = ConflictError if status == httpx.codes.CONFLICT else ClusterError
    return kind(_problem(status, content, response), where=where, next_step=_next(status, content))


def no_answer(error: httpx.HTTPError, where: str) -> ClusterError:
    """The error for an API that did not answer: what became of the request is not known."""
    kind = "in time" if isinstance(error, httpx.TimeoutException) else f"({error})"
    return ClusterError(
        f"the API of the cluster does not answer {kind}",
        where=where,
        next_step="see whether it can be reached (`kubectl get --raw /livez`), then run the same "
        "command again: nothing is applied twice",
    )


def _problem(status: int, content: dict[str, Any] | None, response: httpx.Response) -> str:
    if content is None:
        text = " ".join(response.text.split())[:200]
        return f"{status}: {text or 'no reason is given'}"
    causes = (content.get("details") or {}).get("causes") or ()
    fields = [f"{each['field']}: {each.get('message', '')}" for each in causes if each.get("field")]
    told = "; ".join(fields) or content.get("message") or "no reason is given"
    return f"{status} {content.get('reason', '')}: {told}"


def _next(status: int, content: dict[str, Any] | None) -> str:
    if status == httpx.codes.NOT_FOUND:
        # A kind that the API does not know is answered in plain text, without a Status.
        return _NO_SUCH_KIND if content is None else "create the namespace, or name another one"
    if status in {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}:
        return _SCHEMA
    return _NEXT.get(status, _OVER)


def _content(response: httpx.Response) -> dict[str, Any] | None:
    """The Status that the API answers with; None for what a proxy or an unknown path answers."""
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.get("kind") == "Status" else None
