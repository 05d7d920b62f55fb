"""Errors as problem+json."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from telemetrykit.errors import BackendUnavailable, Conflict, FieldError, InvalidRequest, TooMany, Unauthenticated
from telemetrykit.web.problems import problem

SCOPE = {"type": "http", "path": "/telemetry/api/v1/events", "query_string": b"q=secret"}


def body(error: Exception) -> Any:
    return json.loads(bytes(problem(error, SCOPE).body))


def test_the_members_are_those_of_rfc_9457() -> None:
    answer = problem(Conflict("It is done already."), SCOPE)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert json.loads(bytes(answer.body)) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "It is done already.",
        "instance": "/telemetry/api/v1/events",
    }


def test_each_wrong_field_is_told_with_a_pointer() -> None:
    error = InvalidRequest("Two fields are wrong.", errors=[FieldError("a", "#/x"), FieldError("b")])
    assert body(error)["errors"] == [{"detail": "a", "pointer": "#/x"}, {"detail": "b", "pointer": "#"}]


def test_clients_are_told_when_to_come_back() -> None:
    assert problem(TooMany(retry_after=7), SCOPE).headers["retry-after"] == "7"
    assert problem(BackendUnavailable(), SCOPE).headers["retry-after"] == "5"
    assert problem(BackendUnavailable(), SCOPE).status_code == 503


def test_a_401_says_how_to_authenticate() -> None:
    assert problem(Unauthenticated(), SCOPE).headers["www-authenticate"].startswith("Bearer")


def test_an_error_nobody_foresaw_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="telemetrykit.web"):
        told = body(ValueError("password=hunter2"))
    assert (told["status"], "hunter2" in json.dumps(told)) == (500, False)
    assert "hunter2" in caplog.text


def test_text_that_cannot_be_encoded_is_repaired() -> None:
    assert body(InvalidRequest("half \ud83d", errors=[FieldError("x", "#/\ud83d")]))["detail"] == "half ?"
