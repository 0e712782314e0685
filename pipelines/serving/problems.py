"""What a client is told when it is refused: problem+json (RFC 9457).

With the members `row`, `column` and `next_step` added, and with `error`, where clients of the Open
Inference Protocol look.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from pipelines.errors import CellError, RequestError

PROBLEM_JSON = "application/problem+json"
UNACCEPTABLE = HTTPStatus.UNPROCESSABLE_ENTITY.value
SEND_LESS = "send less at a time, or a whole file: `evergreen predict`, `evergreen feedback`"


def write_problem(error: RequestError | CellError) -> tuple[int, bytes]:
    """The HTTP status and the problem+json of an error."""
    status = error.status if isinstance(error, RequestError) else UNACCEPTABLE
    detail = _sendable(f"{error.where}: {error.problem}")
    column = error.column if isinstance(error, CellError) else None
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "row": error.row if isinstance(error, CellError) else None,
        "column": None if column is None else _sendable(column),
        "next_step": _sendable(error.next_step),
        "error": detail,
    }
    return status, msgspec.json.encode(content)


def _sendable(text: str) -> str:
    # A client's own column name comes back in here, and JSON can spell half a surrogate pair.
    return text.encode(errors="replace").decode()


def failed(request_id: str) -> RequestError:
    """What a client is told of a fault that is ours; the log has the rest."""
    return RequestError(
        f"the server failed; its log has request {request_id}",
        where="server",
        next_step="report the request id",
        status=HTTPStatus.INTERNAL_SERVER_ERROR,
    )


def refused(problem: str, where: str, next_step: str, status: int = UNACCEPTABLE) -> RequestError:
    """A RequestError that says so."""
    return RequestError(problem, where=where, next_step=next_step, status=status)
