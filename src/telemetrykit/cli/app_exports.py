"""Exports of a running app, over HTTP."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlencode

import urllib3

from ..errors import BackendUnavailable, ConfigurationError
from ..model.event import parse_rfc3339, rfc3339
from ..model.job import JobStatus
from ..model.query import parse_query
from ..runtime import codec
from ..runtime.clock import SystemClock
from .default_range import default_start, older_events
from .exporting import ExportState
from .remote import EXAMPLE, HOW_TO_ENTER, base_of, detail_of, reason_of

_CONNECT = 10.0
_SILENCE = 30.0
_PIECE = 256 * 1024


class AppExports:
    """Asks the mount of an app, such as ``http://127.0.0.1:8000/telemetry``."""

    def __init__(self, url: str, *, token: str | None, tell: Callable[[str], None]) -> None:
        self._base = base_of(url) + "/api/v1"
        self._tell = tell
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._query: dict[str, str] = {}
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=_CONNECT, read=_SILENCE))

    async def ask(self, body: Mapping[str, Any], query: str, tenant: str | None) -> str:
        condition = parse_query(query)
        if condition is not None:
            body = {**body, "filter": {"where": condition.to_json()}}
        self._query = {} if tenant is None else {"tenant": tenant}
        told = await asyncio.to_thread(self._call, "POST", "/exports", body)
        if (start := default_start(body, SystemClock().now())) is not None:
            await asyncio.to_thread(self._tell_of_older, query, start)
        id: str = told["job_id"]
        return id

    async def look(self, id: str) -> ExportState:
        told = await asyncio.to_thread(self._call, "GET", f"/exports/{id}")
        percent, completed = round(told["progress_percent"]), told["status"] == JobStatus.COMPLETED
        return ExportState(
            status=JobStatus(told["status"]),
            done=percent,
            total=100 if percent else None,
            error=told["error"],
            facts={
                "filename": await asyncio.to_thread(self._name, id) if completed else None,
                "rows": told["rows"],
                "size": told["file_size_bytes"],
                "sha256": told["sha256"],
            },
        )

    async def cancel(self, id: str) -> None:
        with suppress(BackendUnavailable, ConfigurationError):
            await asyncio.to_thread(self._call, "DELETE", f"/exports/{id}")

    async def read(self, id: str, start: int) -> AsyncIterator[bytes]:
        headers = {"Range": f"bytes={start}-"} if start else {}
        response = await asyncio.to_thread(self._send, "GET", f"/exports/{id}/download", headers=headers)
        try:
            while piece := await asyncio.to_thread(_read, response):
                yield piece
        finally:
            response.close()

    def _tell_of_older(self, query: str, start: int) -> None:
        """As far as we may look."""
        older = {"q": query, "until": rfc3339(start), "limit": "1"}
        with suppress(BackendUnavailable, ConfigurationError):
            for event in self._call("GET", "/events", query=older)["items"]:
                self._tell(older_events(start, parse_rfc3339(event["time"])))

    def _name(self, id: str) -> str:
        """What the file is called: ``Content-Disposition`` as the kit writes it."""
        header = self._send("HEAD", f"/exports/{id}/download").headers.get("Content-Disposition", "")
        return unquote(header.rpartition("UTF-8''")[2]) or id

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, str] | None = None
    ) -> Any:
        content = None if body is None else codec.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        response = self._send(method, path, content, headers, query)
        text = _read_all(response)
        try:
            return codec.loads_foreign(text) if text else None
        except ValueError:
            raise ConfigurationError(f"{self._base} answers something else than JSON. {EXAMPLE}") from None

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        """An answer of status 200 to 299, whose body is still to be read."""
        query = {**self._query, **(query or {})}
        url = self._base + path + ("?" + urlencode(query) if query else "")
        try:
            response = self._pool.request(
                method,
                url,
                body=body,
                headers={**self._headers, **(headers or {})},
                preload_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise BackendUnavailable(f"{self._base} does not answer: {reason_of(error)}.") from None
        if not 200 <= response.status < 300:
            raise _refusal(response)
        return response


def _refusal(response: urllib3.BaseHTTPResponse) -> Exception:
    if response.get_redirect_location():
        where = response.headers["Location"]
        return ConfigurationError(f"The address redirects to {where}: give the address of the mount there.")
    detail = detail_of(_read_all(response))
    if response.status >= 500 or response.status == 429:
        return BackendUnavailable(f"status {response.status}: {detail}")
    cure = {401: HOW_TO_ENTER, 404: EXAMPLE}.get(response.status, "")
    return ConfigurationError(f"The app answers {response.status}: {detail} {cure}".strip())


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        return response.read(_PIECE)
    except urllib3.exceptions.HTTPError as error:
        raise BackendUnavailable(f"the file broke off: {reason_of(error)}") from None


def _read_all(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        return response.data
    except urllib3.exceptions.HTTPError as error:
        raise BackendUnavailable(f"the answer broke off: {reason_of(error)}") from None
