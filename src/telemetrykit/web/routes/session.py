"""``session`` and ``me``: signing in with a token, and who one is."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp

from ...contracts.web import HOST_TENANT
from ...errors import BackendUnavailable
from ...model.principal import Principal
from .. import session_cookie
from ..answers import json_answer
from ..authentication import Authentication
from ..connection import is_secure, mount_path
from ..endpoint import Access, Answer, Call, Endpoint, Media
from ..gate import Gate
from ..parts import WebParts
from ..session_cookie import Sessions

_TOKEN = {
    "type": "object",
    "properties": {"token": {"type": "string", "minLength": 1, "maxLength": 8192}},
    "required": ["token"],
    "additionalProperties": False,
}
_WORDS = {"type": "array", "items": {"type": "string"}}
_ME = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "tenant": {"type": "string"},
        "roles": _WORDS,
        "permissions": _WORDS,
        "tenants": {**_WORDS, "description": "Whose data the caller may ask for."},
    },
    "required": ["id", "tenant", "roles", "permissions", "tenants"],
}


class SessionRoutes:
    """Sessions of browsers."""

    def __init__(self, parts: WebParts, gate: Gate, authentication: Authentication, sessions: Sessions) -> None:
        self._portal = parts.portal
        self._events = parts.events
        self._types = parts.types
        self._emit = parts.emit
        self._gate = gate
        self._authentication = authentication
        self._sessions = sessions

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/v1/session",
                handle=self.begin,
                summary="Sign in with a token",
                description="Sets the cookie `tk_session`, which lasts twelve hours.",
                tag="session",
                access=Access.OPEN,
                body={"application/json": Media(schema=_TOKEN, example={"token": "tk_..."})},
                answers={204: Answer(description="Signed in.")},
            ),
            Endpoint(
                method="DELETE",
                path="/api/v1/session",
                handle=self.end,
                summary="Sign out",
                tag="session",
                access=Access.OPEN,
                answers={204: Answer(description="Signed out, or nobody was signed in.")},
            ),
            Endpoint(
                method="GET",
                path="/api/v1/me",
                handle=self.me,
                summary="Who is calling",
                tag="session",
                answers={200: Answer(description="The caller.", schema=_ME)},
            ),
        ]

    async def begin(self, call: Call) -> ASGIApp:
        principal, session = await self._authentication.sign_in(call.json["token"], call.http)
        self._audit("sign-in", principal)
        response = Response(status_code=204)
        response.set_cookie(
            session_cookie.NAME,
            session.text,
            max_age=session.seconds,
            path=mount_path(call.http.scope) or "/",
            secure=is_secure(call.http),
            httponly=True,
            samesite="strict",
        )
        return response

    async def end(self, call: Call) -> ASGIApp:
        cookie = call.http.cookies.get(session_cookie.NAME)
        principal = await self._portal.call(self._sessions.end, cookie) if cookie else None
        if principal is not None:
            self._audit("sign-out", principal)
        response = Response(status_code=204)
        response.delete_cookie(
            session_cookie.NAME,
            path=mount_path(call.http.scope) or "/",
            secure=is_secure(call.http),
            httponly=True,
            samesite="strict",
        )
        return response

    async def me(self, call: Call) -> ASGIApp:
        caller = call.principal
        own = {p for p in self._types.restricted().values() if self._gate.allows(caller, p)}
        return json_answer(
            {
                "id": caller.id,
                "tenant": caller.tenant,
                "roles": sorted(caller.roles),
                "permissions": sorted(caller.permissions | own),
                "tenants": await self._tenants(caller),
            }
        )

    async def _tenants(self, caller: Principal) -> list[str]:
        if not self._gate.allows(caller, "tenants:all"):
            return [caller.tenant]
        try:
            names = {caller.tenant, *await self._events.tenants()}
        except BackendUnavailable:
            names = {caller.tenant}
        return sorted(names if self._gate.allows(caller, "events:read", HOST_TENANT) else names - {HOST_TENANT})

    def _audit(self, action: str, principal: Principal) -> None:
        self._emit("audit.session", action=action, principal=principal.id, tenant=principal.tenant)
