"""An event in one line that people can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ..model.event import Severity
from ..runtime import codec
from .output import printable

#: A CloudEvents JSON object.
Wire = Mapping[str, Any]

_COLOURS: Mapping[str, Mapping[str, Any]] = {
    "trace": {"dim": True},
    "debug": {"dim": True},
    "info": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "error": {"fg": "red"},
    "fatal": {"fg": "red", "bold": True},
}
_LONGEST = 400


def event_line(wire: Wire) -> str:
    """Time in UTC, severity, type, and the gist of the data; coloured for a terminal."""
    severity = Severity.text(wire.get("severitynumber", Severity.INFO.value))
    gist = printable(_gist(wire))
    time = f"{wire['time'][:23]}Z"
    tenant = wire.get("tenantid", "default")
    parts = [
        click.style(time, dim=True),
        click.style(severity.ljust(5), **_COLOURS[severity]),
        click.style(printable(wire["type"]), bold=True),
        *([] if tenant == "default" else [click.style(f"[{printable(tenant)}]", dim=True)]),
        gist if len(gist) <= _LONGEST else gist[:_LONGEST] + "…",
    ]
    return " ".join(part for part in parts if part)


def _gist(wire: Wire) -> str:
    data = wire.get("data") or {}
    known = {"http.request": _request, "log": _log, "span": _span}.get(wire["type"])
    said = known(data) if known else _pairs(data)
    return " ".join(part for part in (wire.get("subject"), said) if part)


def _request(data: Wire) -> str:
    query = f"?{data['url.query']}" if data.get("url.query") else ""
    parts = (
        data.get("http.request.method_original") or data.get("http.request.method"),
        f"{data.get('url.path') or data.get('http.route')}{query}",
        data.get("http.response.status_code"),
        _milliseconds(data.get("http.server.request.duration")),
        data.get("outcome"),
        data.get("client.address"),
        data.get("error.type") if not str(data.get("error.type", "")).isdigit() else None,
    )
    return " ".join(str(part) for part in parts if part)


def _log(data: Wire) -> str:
    return " ".join(str(part) for part in (data.get("logger"), data.get("message")) if part)


def _span(data: Wire) -> str:
    parts = (data.get("label") or data.get("name"), _milliseconds(data.get("duration")), data.get("error.type"))
    return " ".join(str(part) for part in parts if part)


def _milliseconds(seconds: Any) -> str | None:
    return f"{seconds * 1000:.1f} ms" if isinstance(seconds, (int, float)) else None


def _pairs(data: Wire) -> str:
    return " ".join(
        f"{key}={value if isinstance(value, str) else codec.dumps(value).decode()}" for key, value in data.items()
    )
