"""The one object that a host holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

from .assembly import Assembly
from .builtin_plugins import load_builtins
from .contracts.web import Authenticate, Panel
from .errors import ConfigurationError
from .events.service import EventService
from .exports.service import ExportService
from .health.board import HealthBoard
from .introspection import Introspection
from .jobs.service import JobService
from .keeper import Keeper
from .registry import Registry
from .runtime.clock import Clock, SystemClock
from .runtime.forks import after_fork
from .runtime.signals import SignalChain
from .settings import Settings
from .stream.hub import Hub
from .web.apps import Apps, build_apps
from .web.capture import Capture
from .web.install import install
from .web.lifespan import Lifespan
from .web.parts import WebParts
from .web.recorder import Recorder, TenantOf
from .web.request_events import RequestEvents
from .web.wsgi import WSGICapture
from .web.wsgi_bridge import WSGIBridge
from .web.wsgi_mount import WSGIMount
from .web.wsgi_types import WSGIApp


class Telemetry:
    """Telemetry for one host app: ``Telemetry().install(app)``.

    Without ``settings`` they are loaded from ``options``, the environment (``TELEMETRYKIT_*``) and
    ``telemetrykit.toml``. ``plugins`` are objects with hook implementations, beside the installed ones.
    ``authenticate`` is a coroutine function that tells who calls the kit's own pages, ``tenant_of`` a function from
    the scope of a request to its tenant.

    Raises ConfigurationError for a configuration that cannot work. Does no I/O: the kit starts with the host's
    lifespan, or at the first event.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        /,
        *,
        plugins: Iterable[object] = (),
        authenticate: Authenticate | None = None,
        tenant_of: TenantOf | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        self.settings = Settings.load(**options) if settings is None else _checked(settings, options)
        self._tenant_of = tenant_of
        registry = Registry(self.settings, builtins=load_builtins(), explicit=tuple(plugins))
        self._parts = Assembly(self.settings, registry, clock or SystemClock(), authenticate)
        self._keeper = Keeper(self._parts)
        self._introspection = Introspection(
            self._parts, self._keeper, tenant_errors=lambda: self._recorder.tenant_errors
        )
        self.emit = self._parts.emitter.emit
        self._signals = SignalChain(lambda: self._parts.portal.soon(self._parts.hub.close))
        after_fork(self._keeper.renew)

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A Telemetry with settings from the environment, ``telemetrykit.toml`` and ``options``."""
        return cls(**options)

    def span(
        self, name: str, /, *, label: str | None = None, links: Iterable[str] = (), **fields: Any
    ) -> AbstractContextManager[dict[str, Any]]:
        """Time a block: ``with telemetry.span("payment", label="charge card", order="81f2"): ...``.

        An event of type ``span`` is emitted when it ends, with the error if it raised one; what is emitted inside
        carries its trace. The block is given the event's data to add to.
        """
        return self._parts.emitter.span(name, label=label, links=links, **fields)

    async def flush(self) -> None:
        """Wait until everything that was emitted before this call is stored."""
        await self._keeper.flush()

    async def start(self) -> None:
        """Start the kit, or hold it once more; returns when it runs.

        Raises BackendUnavailable only with ``require_backends``: otherwise an unreachable backend makes it degraded.
        """
        await self._keeper.start()

    async def stop(self) -> None:
        """Let go of the kit; the last holder drains and closes it. Streams end, what waits is stored."""
        await self._keeper.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        self._keeper.start_blocking()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.stop_blocking()

    def install(self, app: Any, path: str | None = None) -> None:
        """Wire the kit into a FastAPI, Starlette or Flask app: capture, life, and the kit's own pages at ``path``.

        The mount is guarded by the kit's own gate; dependencies of the app do not apply to it. Raises
        ConfigurationError the second time, for a started app and for other kinds of apps.
        """
        if self.settings.service_name is None and (name := _name_of(app)):
            self._parts.emitter.source = name
        install(
            app,
            path or self.settings.path,
            owner=self,
            middleware=self.middleware,
            mounted=self.asgi,
            wsgi=self.wsgi,
        )

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The app with capture and the kit's life around it; fits ``app.add_middleware(telemetry.middleware)``."""
        return Capture(app, recorder=self._recorder, lifespan=Lifespan(app, start=self._begin, stop=self._end))

    def wsgi(self, app: WSGIApp, path: str | None = None) -> WSGIApp:
        """A WSGI app with capture around it and the kit's own pages mounted at ``path``.

        Live streams answer 503 there, because each would hold one of the host's threads: the page polls instead.
        """
        bridge = WSGIBridge(self.asgi, self._parts.portal, body_limit=self.settings.body_limit)
        return WSGICapture(WSGIMount(app, bridge, path or self.settings.path), recorder=self._recorder)

    @property
    def asgi(self) -> ASGIApp:
        """Everything in one ASGI app to mount: dashboard, API, streams."""
        return self._apps.asgi

    @property
    def status_app(self) -> ASGIApp:
        """Only the status API."""
        return self._apps.status_app

    @property
    def stream_app(self) -> ASGIApp:
        """Only the live streams and their tickets."""
        return self._apps.stream_app

    @property
    def dashboard_app(self) -> ASGIApp:
        """Only the pages."""
        return self._apps.dashboard_app

    @property
    def events(self) -> EventService:
        """Reading the log."""
        return self._parts.events

    @property
    def plugins(self) -> Sequence[object]:
        """Those that were given by hand."""
        return self._parts.registry.explicit

    @property
    def jobs(self) -> JobService:
        """Background jobs: ``await telemetry.jobs.submit("resize", {"artifact": 7})``."""
        return self._parts.workshop.jobs

    @property
    def exports(self) -> ExportService:
        """Files of rows, made in the background."""
        return self._parts.workshop.exports

    @property
    def stream(self) -> Hub:
        """The live edge of the log."""
        return self._parts.hub

    @property
    def health(self) -> HealthBoard:
        """The health of every part."""
        return self._parts.board

    async def _begin(self) -> None:
        """Start with the host, and hear of its end in time: an open stream would hold its server up."""
        await self._keeper.start()
        self._signals.install()

    async def _end(self) -> None:
        self._signals.restore()
        await self._keeper.stop()

    @cached_property
    def _recorder(self) -> Recorder:
        parts, settings = self._parts, self.settings
        return Recorder(
            buffer=parts.buffer,
            ids=parts.ids,
            traces=parts.traces,
            events=RequestEvents(
                ids=parts.ids, source=lambda: parts.emitter.source, tenant=settings.tenant, groups=settings.groups
            ),
            exclude=settings.exclude,
            tenant_of=self._tenant_of,
        )

    @cached_property
    def _apps(self) -> Apps:
        parts = self._parts
        store = parts.backends.store
        return build_apps(
            WebParts(
                settings=self.settings,
                clock=parts.clock,
                portal=parts.portal,
                emit=parts.emitter.emit,
                events=parts.events,
                receiver=parts.receiver,
                types=parts.types,
                jobs=parts.workshop.jobs,
                deadletters=parts.workshop.deadletters,
                inspection=parts.workshop.inspection,
                staff=parts.workshop.staff,
                exports=parts.workshop.exports,
                hub=parts.hub,
                job_board=parts.job_board,
                keys=store,
                leases=store,
                secret_keys=parts.secret_keys,
                authenticators=parts.authenticators,
                authenticate=parts.authenticate,
                policy=parts.make_policy(),
                panels=parts.registry.parts("register_panels", Panel),
                title=self.settings.title or parts.emitter.source,
                ensure_started=self._keeper.start_lazily,
                started=self._keeper.started,
                health=parts.board.report,
                status=self._introspection.status,
                plugins=self._introspection.plugins,
            )
        )


def _checked(settings: object, options: Mapping[str, Any]) -> Settings:
    if not isinstance(settings, Settings):
        raise ConfigurationError(
            f"Telemetry() takes Settings, not {type(settings).__name__}: write Telemetry(Settings(url=...)), or "
            "Telemetry(url=...) to have the environment looked at too."
        )
    if options:
        raise ConfigurationError(f"Telemetry() has got Settings already: put {', '.join(options)} into Settings(...).")
    return settings


def _name_of(app: Any) -> str | None:
    """What the app calls itself: the title of a FastAPI app, the name of a Flask app."""
    name = getattr(app, "title", None) or getattr(app, "name", None)
    return name if isinstance(name, str) and name != "FastAPI" else None
