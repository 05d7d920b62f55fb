"""Addresses and methods."""

from __future__ import annotations

import pytest
from starlette.types import ASGIApp

from telemetrykit.errors import NotFound
from telemetrykit.web.endpoint import Answer, Call, Endpoint, Parameter
from telemetrykit.web.problems import MethodNotAllowed
from telemetrykit.web.router import Router


async def nothing(call: Call) -> ASGIApp:
    raise NotImplementedError


def endpoint(method: str, path: str, *names: str, endless: bool = False) -> Endpoint:
    parameters = [Parameter(name=name, schema={}, expects="text") for name in names]
    return Endpoint(
        method=method,
        path=path,
        handle=nothing,
        summary="",
        tag="",
        path_parameters=parameters,
        answers={200: Answer(description="")},
        endless=endless,
    )


LIST, CREATE = endpoint("GET", "/things"), endpoint("POST", "/things")
ONE, DROP = endpoint("GET", "/things/{id}", "id"), endpoint("DELETE", "/things/{id}", "id")
STREAM = endpoint("GET", "/stream", endless=True)
ROUTER = Router([LIST, CREATE, ONE, DROP, STREAM])


def test_an_address_is_found_with_its_parameters() -> None:
    assert ROUTER.find("/things", "POST") == (CREATE, {})
    assert ROUTER.find("/things/a.b c", "DELETE") == (DROP, {"id": "a.b c"})


def test_head_is_get() -> None:
    assert ROUTER.find("/things/1", "HEAD")[0] is ONE


def test_a_slash_too_many_at_the_end_is_named() -> None:
    for path in ("/things/", "/things/1/"):
        with pytest.raises(NotFound, match="leave out the slash at its end"):
            ROUTER.find(path, "GET")
    with pytest.raises(NotFound, match=r"There is nothing at /thing/\.$"):
        ROUTER.find("/thing/", "GET")


@pytest.mark.parametrize("path", ["", "/", "/thing", "/things/", "/things/1/2", "/things/1/"])
def test_other_addresses_are_not_there(path: str) -> None:
    with pytest.raises(NotFound):
        ROUTER.find(path, "GET")


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("/things", "PUT", "GET, HEAD, POST"), ("/things/1", "POST", "DELETE, GET, HEAD"), ("/stream", "HEAD", "GET")],
)
def test_another_method_is_told_which_there_are(path: str, method: str, allowed: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        ROUTER.find(path, method)
    assert caught.value.headers == {"Allow": allowed}
