"""``/openapi.json``: the API in OpenAPI 3.1, made from the endpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from .endpoint import Access, Answer, Endpoint, Parameter, Schema
from .problems import MEDIA_TYPE
from .wire_event import JSON_OBJECT, JSON_VALUE

_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"detail": {"type": "string"}, "pointer": {"type": "string"}},
                "required": ["detail", "pointer"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance"],
}
_SCHEMAS = {"Problem": _PROBLEM_SCHEMA, "JSONValue": JSON_VALUE, "JSONObject": JSON_OBJECT}
_PROBLEMS = {
    400: "The query or the body is broken: not UTF-8, not JSON.",
    401: "Credentials are missing or not valid.",
    403: "The permission is missing, or nobody can be recognised here yet.",
    404: "There is no such thing, or it belongs to somebody else.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "A parameter or a field is wrong; `errors` names each.",
    429: "Too much at once: wait as long as `Retry-After` says.",
    503: "The store or the kit does not answer now: wait as long as `Retry-After` says.",
}
_WHO_IS_ASKED = (Access.PRINCIPAL, Access.TICKET)
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A static token, or a JWT."},
    "session": {"type": "apiKey", "in": "cookie", "name": "tk_session", "description": "Made by POST api/v1/session."},
}


def statuses(endpoint: Endpoint) -> list[int]:
    """Every status that an endpoint can answer with, besides 500."""
    found = {*endpoint.answers, 400, 422}
    if endpoint.access is not Access.ANYBODY:
        found |= {401, 403, 503}
    if endpoint.body:
        found |= {413, 415}
    if endpoint.path_parameters:
        found |= {404}
    return sorted(found)


def document(endpoints: Iterable[Endpoint], base: str) -> dict[str, Any]:
    """The document of a mount at the path ``base``."""
    known = tuple(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    streams: dict[str, dict[str, Any]] = {}
    for endpoint in known:
        place = streams if endpoint.endless else paths
        place.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, known)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "telemetrykit",
            "version": version("telemetrykit"),
            "description": "Events, live streams and the state of the kit. Errors are problem+json (RFC 9457).",
        },
        "servers": [{"url": base or "/"}],
        "paths": paths,
        "components": {"schemas": _SCHEMAS, "securitySchemes": _SECURITY},
        "x-streams": streams,
    }


def _operation(endpoint: Endpoint, known: Sequence[Endpoint]) -> dict[str, Any]:
    needs = f"Permission: `{endpoint.permission}`." if endpoint.permission else ""
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "description": " ".join(filter(None, (endpoint.description, needs))),
        "parameters": _parameters(endpoint.path_parameters, "path") + _parameters(endpoint.parameters, "query"),
        "responses": {str(status): _response(endpoint, status, known) for status in statuses(endpoint)},
        "security": [{"bearer": []}, {"session": []}] if endpoint.access in _WHO_IS_ASKED else [],
    }
    if endpoint.permission:
        operation["x-permission"] = endpoint.permission
    if endpoint.body:
        content = {name: _media(media.told or media.schema, media.example) for name, media in endpoint.body.items()}
        operation["requestBody"] = {"required": not endpoint.body_optional, "content": content}
    return operation


def _operation_id(endpoint: Endpoint) -> str:
    words = endpoint.path.removeprefix("/api/v1").replace("{", "by-").replace("}", "").replace(".", "-").split("/")
    return "-".join([endpoint.method.lower(), *filter(None, words)])


def _parameters(parameters: Sequence[Parameter], place: str) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": place,
            "required": place == "path",
            "description": f"{parameter.description} Must be {parameter.expects}.".strip(),
            "schema": {**parameter.schema, **parameter.told},
            **_example(parameter.example),
        }
        for parameter in parameters
    ]


def _media(schema: Schema, example: Any) -> dict[str, Any]:
    return {"schema": schema, **_example(example)}


def _example(example: Any) -> Mapping[str, Any]:
    return {} if example is None else {"example": example}


def _response(endpoint: Endpoint, status: int, known: Sequence[Endpoint]) -> dict[str, Any]:
    answer = endpoint.answers.get(status)
    description = answer.description if answer else _PROBLEMS.get(status, HTTPStatus(status).phrase)
    content: dict[str, Any] = {}
    if answer is not None and answer.schema is not None:
        content[answer.media_type] = _media(answer.schema, answer.example)
    if status >= 400:
        content[MEDIA_TYPE] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if status == 404 and endpoint.path_parameters:
        # Some hosts do not hand on a path with a line break in it, and answer themselves.
        content["text/plain"] = {"schema": {"type": "string"}}
    links = {} if answer is None else _links(answer, known)
    return {
        "description": description,
        **({"content": content} if content else {}),
        **({"links": links} if links else {}),
    }


def _links(answer: Answer, known: Sequence[Endpoint]) -> Mapping[str, Any]:
    """The addresses that an answer leads to, by the names of their operations."""
    return {
        _operation_id(endpoint): {
            "operationId": _operation_id(endpoint),
            "parameters": {parameter.name: f"$response.body#{pointer}" for parameter in endpoint.path_parameters},
        }
        for path, pointer in answer.leads_to.items()
        for endpoint in known
        if endpoint.path == path or endpoint.path.startswith(f"{path}/")
    }
