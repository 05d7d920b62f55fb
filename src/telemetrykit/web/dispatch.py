"""From a request to its endpoint: routing, gate, parameters, body, time limit; errors become problems."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager

import anyio
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ..errors import BackendUnavailable, NotFound
from ..model.principal import Principal
from ..runtime.schema import Validator, compile_schema
from .answers import Delivery
from .bodies import read_json
from .endpoint import Access, Call, Endpoint
from .gate import Gate
from .params import QueryReader
from .problems import problem
from .router import Router

#: Seconds that the start of the kit, and finding out who is calling, may take.
_GATE_SECONDS = 10.0


class Checks:
    """What reads the parameters and bodies of endpoints, made when it is first needed: a schema takes milliseconds."""

    def __init__(self) -> None:
        self._queries: dict[Endpoint, QueryReader] = {}
        self._bodies: dict[Endpoint, Validator] = {}

    def query(self, endpoint: Endpoint) -> QueryReader:
        """The reader of its query."""
        if endpoint not in self._queries:
            self._queries[endpoint] = QueryReader(endpoint.parameters)
        return self._queries[endpoint]

    def path(self, endpoint: Endpoint, given: Mapping[str, str]) -> None:
        """Raises NotFound for an address with a part that cannot be the name of anything."""
        for parameter in endpoint.path_parameters:
            value = given[parameter.name]
            if compile_schema(parameter.schema)(value):
                raise NotFound(f"There is nothing here: {value[:40]!r} is not {parameter.expects}.")

    def json(self, endpoint: Endpoint) -> Validator | None:
        """The check of its JSON body, None if it takes no such body."""
        media = endpoint.body.get("application/json")
        if media is None:
            return None
        if endpoint not in self._bodies:
            self._bodies[endpoint] = compile_schema(media.schema)
        return self._bodies[endpoint]


class Dispatcher:
    """Answers requests to a set of endpoints."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        gate: Gate,
        checks: Checks,
        *,
        body_limit: int,
        ensure_started: Callable[[], None],
        started: Callable[[], Awaitable[None]],
    ) -> None:
        self._router = Router(endpoints)
        self._gate = gate
        self._body_limit = body_limit
        self._ensure_started = ensure_started
        self._started = started
        self._checks = checks

    async def answer(self, path: str, request: Request) -> ASGIApp:
        """The answer to a request for a path below the mount. Raises what ``problem`` tells of."""
        endpoint, path_parameters = self._router.find(path, request.method)
        self._ensure_started()
        with within(_GATE_SECONDS):
            caller = await self._admit(endpoint, request)
        return await self._call(endpoint, request, caller, path_parameters)

    async def _call(
        self, endpoint: Endpoint, request: Request, caller: Principal | None, path_parameters: Mapping[str, str]
    ) -> ASGIApp:
        self._checks.path(endpoint, path_parameters)
        params = self._checks.query(endpoint).read(request.scope.get("query_string", b""))
        call = Call(http=request, caller=caller, params=params, path=path_parameters)
        check = self._checks.json(endpoint)
        if check is not None:
            absent: Mapping[str, object] | None = {} if endpoint.body_optional else None
            call.json = await read_json(request, self._body_limit, check, absent=absent)
        with within(endpoint.seconds):
            return await endpoint.handle(call)

    async def _admit(self, endpoint: Endpoint, request: Request) -> Principal | None:
        if endpoint.access is Access.ANYBODY:
            return None
        await self._started()
        if endpoint.access is Access.TICKET:
            return None
        if endpoint.access is Access.PRINCIPAL:
            principal = await self._gate.authenticate(request)
            if endpoint.permission is not None:
                self._gate.require(principal, endpoint.permission)
            return principal
        caller = await self._gate.find(request)
        if caller is None:
            await self._gate.check_open(request)
        return caller.principal if caller else None


async def deliver(answer: Callable[[Request], Awaitable[ASGIApp]], scope: Scope, receive: Receive, send: Send) -> None:
    """Send what ``answer`` gives, or the problem it raises."""
    delivery = Delivery(send, scope["method"])
    try:
        app = await answer(Request(scope, receive))
        await app(scope, receive, delivery)
    except ClientDisconnect:
        return
    except Exception as error:
        if delivery.started:
            raise
        await problem(_known(error), scope)(scope, receive, delivery)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """Raise BackendUnavailable if the block takes longer: something blocks the kit's loop, or its backend hangs."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError:
        raise BackendUnavailable(
            f"The kit did not answer within {seconds:g} s: a part of it may block it. Other requests may do better."
        ) from None


def _known(error: Exception) -> Exception:
    # What was asked of the kit's loop is cancelled when the kit stops.
    return BackendUnavailable("The kit is stopping.") if isinstance(error, CancelledError) else error
