"""The few requests to the API of a cluster that routing needs, over plain HTTPS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import httpx

from pipelines.kubernetes import access, kubeconfig, names
from pipelines.kubernetes.access import Access
from pipelines.kubernetes.kinds import Kind, Object, kind_of
from pipelines.kubernetes.refusals import no_answer, refusal

# A rollback has two seconds: an API that needs longer for one request is reported.
_TIMES = httpx.Timeout(5.0, connect=2.0)
_TRIES = 3
_MOST_WAIT_SECONDS = 1.0
_PAGE = 250
_TRY_AGAIN = {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}


class Cluster:
    """One namespace of a cluster.

    Every request may be repeated: it says how an object is to be, not what to do to it.
    """

    def __init__(self, known: Access, namespace: str | None = None) -> None:
        self.namespace = namespace or known.namespace
        self._access = known
        # Not through a proxy, nor with a password from ~/.netrc: as the access says, or not at all.
        self._http = httpx.Client(
            base_url=known.server, verify=known.tls, timeout=_TIMES, trust_env=False
        )

    @classmethod
    def found(cls, namespace: str | None = None) -> Cluster:
        """The cluster of this pod, or else of the kubeconfig's current context.

        Raises:
            ClusterError: there is neither, or it cannot be used.
        """
        known = (
            access.in_cluster() if access.is_in_cluster() else kubeconfig.access(kubeconfig.path())
        )
        return cls(known, namespace)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def controlled(self, kind: Kind) -> list[Object]:
        """All objects of a kind that are the controller's.

        Raises:
            ClusterError: the API refuses, does not know the kind, or does not answer.
        """
        found: list[Object] = []
        following = ""
        while True:
            parameters = {"labelSelector": names.SELECTOR, "limit": str(_PAGE)}
            if following:
                parameters["continue"] = following
            where = f"list {kind.plural} in {self.namespace}"
            page = self._ask("GET", kind.path(self.namespace), where, parameters).json()
            # The items of a list do not say what they are.
            found += [{"apiVersion": kind.api, "kind": kind.name, **each} for each in page["items"]]
            following = page["metadata"].get("continue", "")
            if not following:
                return found

    def get(self, kind: Kind, name: str) -> Object | None:
        """One object, or None.

        Raises:
            ClusterError: as `controlled` does.
        """
        response = self._ask(
            "GET", kind.path(self.namespace, name), self._name(kind, name), missing_is_fine=True
        )
        return None if response.status_code == httpx.codes.NOT_FOUND else dict(response.json())

    def apply(self, wanted: Object, revision: str | None = None) -> Object:
        """Have an object as given, by server-side apply; fields that others set stay.

        Args:
            wanted: the fields that are ours.
            revision: the resourceVersion that it was read with. None: whatever is there.

        Returns:
            The object as the API has it now.

        Raises:
            ConflictError: it changed since `revision` was read.
            ClusterError: as `controlled` does; or a field is not as the schema wants it.
        """
        kind, name = kind_of(wanted), wanted["metadata"]["name"]
        if revision is not None:
            wanted = {**wanted, "metadata": {**wanted["metadata"], "resourceVersion": revision}}
        response = self._ask(
            "PATCH",
            kind.path(self.namespace, name),
            f"apply {self._name(kind, name)}",
            # Without Strict a misspelt field is dropped without a word.
            {"fieldManager": names.FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"},
            ("application/apply-patch+yaml", wanted),
        )
        return dict(response.json())

    def annotate(self, found: Object, annotations: Mapping[str, str]) -> Object:
        """Change annotations of an object that is as it was read.

        Raises:
            ConflictError: it changed since, or is gone.
            ClusterError: as `controlled` does.
        """
        kind, metadata = kind_of(found), found["metadata"]
        # With its uid, so that an object that was made anew under the name is not meant.
        marks = {key: metadata[key] for key in ("uid", "resourceVersion")}
        response = self._ask(
            "PATCH",
            kind.path(self.namespace, metadata["name"]),
            f"annotate {self._name(kind, metadata['name'])}",
            {"fieldManager": names.FIELD_MANAGER},
            (
                "application/merge-patch+json",
                {"metadata": {**marks, "annotations": dict(annotations)}},
            ),
        )
        return dict(response.json())

    def delete(self, found: Object) -> None:
        """Remove an object, if it is as it was read, and all that belongs to it.

        One that is gone already is fine.

        Raises:
            ConflictError: it changed since.
            ClusterError: as `controlled` does.
        """
        kind, metadata = kind_of(found), found["metadata"]
        options = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
            "preconditions": {key: metadata[key] for key in ("uid", "resourceVersion")},
        }
        self._ask(
            "DELETE",
            kind.path(self.namespace, metadata["name"]),
            f"delete {self._name(kind, metadata['name'])}",
            body=("application/json", options),
            missing_is_fine=True,
        )

    def _name(self, kind: Kind, name: str) -> str:
        return f"{kind.name} {self.namespace}/{name}"

    def _ask(
        self,
        method: str,
        path: str,
        where: str,
        parameters: Mapping[str, str] | None = None,
        body: tuple[str, Object] | None = None,
        *,
        missing_is_fine: bool = False,
    ) -> httpx.Response:
        response = self._answer(method, path, where, parameters, body)
        if response.is_success:
            return response
        error = refusal(response, f"{where} ({self._access.server})")
        # A missing object is told as a Status; a missing kind of objects is not.
        is_missing = response.status_code == httpx.codes.NOT_FOUND and _is_status(response)
        if missing_is_fine and is_missing:
            return response
        raise error

    def _answer(
        self,
        method: str,
        path: str,
        where: str,
        parameters: Mapping[str, str] | None,
        body: tuple[str, Object] | None,
    ) -> httpx.Response:
        """What the API answers, asked again when it is only busy."""
        headers = self._access.headers()
        content = None
        if body is not None:
            headers["content-type"] = body[0]
            content = json.dumps(body[1], allow_nan=False)
        for number in range(1, _TRIES + 1):
            try:
                response = self._http.request(
                    method, path, params=parameters, headers=headers, content=content
                )
            except httpx.HTTPError as error:
                if number == _TRIES or not isinstance(error, httpx.ConnectError):
                    raise no_answer(error, f"{where} ({self._access.server})") from error
                time.sleep(0.1 * number)
                continue
            if response.status_code not in _TRY_AGAIN or number == _TRIES:
                break
            time.sleep(_pause(response))
        return response


def _pause(response: httpx.Response) -> float:
    told = response.headers.get("retry-after", "")
    return min(float(told), _MOST_WAIT_SECONDS) if told.isdigit() else 0.2


def _is_status(response: httpx.Response) -> bool:
    return "json" in response.headers.get("content-type", "")
