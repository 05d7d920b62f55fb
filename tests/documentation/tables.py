"""The parts of the reference that are made from the code. ``python tests/documentation/tables.py`` writes them anew.

They stand between ``<!-- made: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from textwrap import wrap
from typing import Any

from starlette.testclient import TestClient

from telemetrykit import Settings
from telemetrykit.model.principal import ROLES
from telemetrykit.testing.telemetry import make_telemetry

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
_MADE = re.compile(r"(<!-- made: (?P<name>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)
_SECONDS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_DURATIONS = ("retention_events", "lease")
#: Their defaults are too long for the table.
_BELOW = ("redact", "queue_limits")
_SIZES = ("max_store_bytes", "min_free", "body_limit")


def made(path: Path) -> str:
    """What a page would be with all its made parts fresh; KeyError for a part that nobody makes."""
    text = path.read_text("utf-8")
    parts = {"settings": settings_table, "permissions": permissions_table}

    def fresh(match: re.Match[str]) -> str:
        name = match["name"]
        body = parts[name]() if name in parts else endpoint_facts(name)
        return f"{match[1]}{body}{match[3]}"

    return _MADE.sub(fresh, text)


def settings_table() -> str:
    """Every setting."""
    head = "| setting | environment variable | default | means |\n|---|---|---|---|\n"
    rows = [
        f"| `{option.name}` | `TELEMETRYKIT_{option.name.upper()}` | {_default(option)} | {option.metadata['help']} |\n"
        for option in fields(Settings)
    ]
    return head + "".join(rows).replace("log: | file:PATH | webhook:URL", r"log: \| file:PATH \| webhook:URL")


def permissions_table() -> str:
    """Every permission, and the roles that have it."""
    names = sorted(set().union(*ROLES.values()))
    rows = [f"| `{name}` | {' | '.join('yes' if name in ROLES[role] else '' for role in ROLES)} |" for name in names]
    return "\n".join([f"| permission | {' | '.join(ROLES)} |", f"|---|{'---|' * len(ROLES)}", *rows, ""])


def openapi() -> dict[str, Any]:
    """The description that the kit gives of its own API."""
    with TestClient(make_telemetry(anonymous="admin").asgi, client=("127.0.0.1", 5)) as client:
        found: dict[str, Any] = client.get("http://localhost/openapi.json").json()
        return found


@cache
def operations() -> Mapping[str, Mapping[str, Any]]:
    """Every operation by ``GET /api/v1/events``; `x-streams` are among them."""
    document = openapi()
    return {
        f"{method.upper()} {path}": operation
        for path, methods in {**document["paths"], **document["x-streams"]}.items()
        for method, operation in methods.items()
    }


def endpoint_facts(name: str) -> str:
    """What holds for one operation: permission, parameters, bodies, answers."""
    operation = operations()[name]
    description = operation["description"].partition("Permission:")[0].strip()
    said = " ".join(filter(None, (f"{operation['summary']}.", description)))
    lines = [*_wrapped(said), "", *_access(operation)]
    if operation["parameters"]:
        lines += ["| parameter | in | |", "|---|---|---|", *map(_parameter, operation["parameters"]), ""]
    if "requestBody" in operation:
        bodies = ", ".join(f"`{name}`" for name in operation["requestBody"]["content"])
        bodies += "" if operation["requestBody"]["required"] else ", or none"
        lines += [*_wrapped(f"Bodies: {bodies}."), ""]
    lines += ["Answers:", "", *_answers(operation["responses"])]
    return "\n".join([*lines, ""])


def _wrapped(text: str) -> list[str]:
    return wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def _access(operation: Mapping[str, Any]) -> list[str]:
    if "x-permission" in operation:
        return [f"Permission: `{operation['x-permission']}`.", ""]
    return ["For every principal.", ""] if operation["security"] else ["For everybody.", ""]


def _parameter(parameter: Mapping[str, Any]) -> str:
    default = parameter["schema"].get("default")
    shown = "" if default is None else f" Default: {default}."
    return f"| `{parameter['name']}` | {parameter['in']} | {parameter['description']}{shown} |".replace("\\|", "|")


def _answers(responses: Mapping[str, Any]) -> Iterator[str]:
    for status, answer in responses.items():
        yield f"- {status}: {answer['description']}"


def _default(option: Any) -> str:
    value = option.default
    if option.name in _BELOW:
        return f"[see below](#{option.name})"
    if value is MISSING:
        return "`{}`"
    if value is None:
        return ""
    if option.name in _DURATIONS:
        return next(f"`{int(value / size)}{unit}`" for unit, size in _SECONDS if value >= size)
    if option.name in _SIZES:
        return f"`{value // 2**30} GiB`" if value >= 2**30 else f"`{value // 2**20} MiB`"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`" if value else ""
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    for page in sorted(REFERENCE.glob("*.md")):
        page.write_text(made(page), "utf-8")
