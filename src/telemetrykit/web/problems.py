"""Errors as ``application/problem+json`` (RFC 9457), in one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Scope

from ..errors import BackendUnavailable, FieldError, InvalidRequest, RequestError
from ..runtime import codec
from .connection import mount_path, path_in_mount

logger = logging.getLogger("telemetrykit.web")

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER = "5"


class MethodNotAllowed(RequestError):
    """This address does not know the method."""

    status = 405
    title = "Method not allowed"


class UpgradeRequired(RequestError):
    """This address speaks another protocol (RFC 9110, section 15.5.22)."""

    status = 426
    title = "Upgrade required"


class Rejected(InvalidRequest):
    """Nothing of what was sent could be taken."""

    def __init__(self, message: str, *, errors: tuple[FieldError, ...], members: Mapping[str, Any]) -> None:
        super().__init__(message, errors=errors)
        #: Members of the body beside those of RFC 9457.
        self.members = members


def problem(error: Exception, scope: Scope) -> Response:
    """The answer that tells a client of an error. What we did not foresee is logged, and not told."""
    if isinstance(error, RequestError):
        return _answer(scope, error.status, error.title, str(error), _members(error), _headers(error))
    if isinstance(error, BackendUnavailable):
        return _answer(scope, 503, "Not available now", str(error), headers={"Retry-After": _RETRY_AFTER})
    logger.error("a request failed", exc_info=error, extra={"action": "request.failed", "path": scope.get("path")})
    return _answer(scope, 500, "Internal error", "Something went wrong here; the log of the host says what.")


def _members(error: RequestError) -> dict[str, Any]:
    errors = {"errors": [one.to_json() for one in error.errors]} if error.errors else {}
    return {**errors, **error.members} if isinstance(error, Rejected) else errors


def _headers(error: RequestError) -> dict[str, str]:
    if error.status == 401:
        return {"WWW-Authenticate": 'Bearer realm="telemetrykit"', **error.headers}
    return error.headers


def _answer(
    scope: Scope,
    status: int,
    title: str,
    detail: str,
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": mount_path(scope) + path_in_mount(scope),
        **(members or {}),
    }
    return Response(codec.dumps(_encodable(body)), status, headers, MEDIA_TYPE)


def _encodable(value: Any) -> Any:
    # Half of a surrogate pair can come from a body that we refuse; it must not make the refusal fail.
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(part) for key, part in value.items()}
    return [_encodable(part) for part in value] if isinstance(value, (list, tuple)) else value
