"""One small app, bare and watched by each of the peers. A peer is imported only where it is measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .scratch import scratch

#: An ASGI application.
App = Callable[..., Awaitable[None]]


async def _nothing() -> None:
    """There is nothing to wait for."""


class Host(NamedTuple):
    """An app to send requests to."""

    app: App
    #: Waits until everything that the requests so far have left behind is dealt with.
    settle: Callable[[], Coroutine[Any, Any, None]] = _nothing
    #: The app that is started and stopped, if it is another one.
    life: App | None = None
    #: The kit's own mount.
    mount: App | None = None


async def _item(request: Request) -> Response:
    return JSONResponse({"id": request.path_params["id"], "name": "lamp", "price": 12.5})


async def _unused(request: Request) -> Response:
    return Response()


def starlette_app() -> Starlette:
    """Five routes; the requests go to the third."""
    return Starlette(
        routes=[
            Route("/", _unused),
            Route("/orders", _unused, methods=["POST"]),
            Route("/items/{id}", _item),
            Route("/orders/{id}", _unused),
            Route("/health", _unused),
        ]
    )


def bare() -> Host:
    return Host(starlette_app())


def bare_fastapi() -> Host:
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/items/{id}")
    async def item(id: str) -> Any:
        return {"id": id, "name": "lamp", "price": 12.5}

    return Host(app)


def base_http_middleware() -> Host:
    from starlette.middleware.base import BaseHTTPMiddleware

    async def pass_on(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    app = starlette_app()
    app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    return Host(app)


def kit_capture() -> Host:
    """Capture alone: what it leaves is thrown away."""
    from telemetrykit import Telemetry

    telemetry = Telemetry(data_dir=scratch(), load_plugins=[])
    buffer = telemetry._parts.buffer
    buffer.clear()  # Nor does the first record start the pipeline.

    async def forget() -> None:
        buffer.clear()

    app = starlette_app()
    return Host(telemetry.middleware(app), forget, life=app)


def kit() -> Host:
    """Capture, pipeline and SQLite."""
    from telemetrykit import Telemetry

    telemetry = Telemetry(data_dir=scratch(), load_plugins=[], anonymous="viewer")
    return Host(telemetry.middleware(starlette_app()), telemetry.flush, mount=telemetry.asgi)


def prometheus_instrumentator() -> Host:
    from prometheus_fastapi_instrumentator import Instrumentator

    app = starlette_app()
    Instrumentator().instrument(app)
    return Host(app)


def starlette_exporter() -> Host:
    from starlette_exporter import PrometheusMiddleware

    app = starlette_app()
    app.add_middleware(PrometheusMiddleware, group_paths=True)
    return Host(app)


def otel() -> Host:
    """Spans are made and ended, nobody takes them."""
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider

    return Host(OpenTelemetryMiddleware(starlette_app(), tracer_provider=TracerProvider()))


def otel_null_exporter() -> Host:
    """Spans go through the batch processor to an exporter that throws them away."""
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: Any) -> Any:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=65_536))

    async def settle() -> None:
        provider.force_flush()

    return Host(OpenTelemetryMiddleware(starlette_app(), tracer_provider=provider), settle)


def sentry_errors_only() -> Host:
    return _sentry(0.0)


def sentry_traces() -> Host:
    return _sentry(1.0)


def _sentry(traces: float) -> Host:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    class Nowhere(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            """It is not sent."""

    sentry_sdk.init(dsn="http://key@localhost/1", traces_sample_rate=traces, transport=Nowhere)
    return Host(starlette_app())


#: Every host by name: the peer whose venv it needs (None is ours), and what makes it.
HOSTS: dict[str, tuple[str | None, Callable[[], Host]]] = {
    "bare Starlette": (None, bare),
    "bare FastAPI": (None, bare_fastapi),
    "telemetrykit, capture alone": (None, kit_capture),
    "telemetrykit, stored in SQLite": (None, kit),
    "prometheus-fastapi-instrumentator": ("prometheus", prometheus_instrumentator),
    "starlette_exporter": ("starlette_exporter", starlette_exporter),
    "empty BaseHTTPMiddleware": (None, base_http_middleware),
    "Sentry, errors only": ("sentry", sentry_errors_only),
    "Sentry, traces, no transport": ("sentry", sentry_traces),
    "OpenTelemetry ASGI, no exporter": ("otel", otel),
    "OpenTelemetry ASGI, null exporter": ("otel", otel_null_exporter),
}
