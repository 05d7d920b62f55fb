"""What an address of the API is: routing, checks and ``/openapi.json`` are all made from these records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp

from ..model.principal import Principal

Schema = Mapping[str, Any]


class Access(Enum):
    """Who may call at all; a permission is asked for besides."""

    #: Anybody, always.
    ANYBODY = auto()
    #: Anybody, once there is somebody who can be recognised.
    OPEN = auto()
    #: Only a principal.
    PRINCIPAL = auto()
    #: A principal, or whoever brings a ticket: the endpoint looks for itself.
    TICKET = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query or of the path."""

    name: str
    schema: Schema
    #: What a good value is: "a whole number from 1 to 100". A bad one is answered with it.
    expects: str
    description: str = ""
    example: Any = None
    #: Keywords of the schema that are told and not checked, because the endpoint checks them better than a schema can.
    told: Schema = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A body in one media type."""

    schema: Schema
    example: Any = None
    #: What is told in place of ``schema``, where the endpoint checks more than a schema can.
    told: Schema | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One status that an endpoint answers with."""

    description: str
    schema: Schema | None = None
    example: Any = None
    media_type: str = "application/json"
    #: Where the thing is of which it tells: the path of an address and where its parameter stands in the body, such as
    #: ``{"/api/v1/exports/{id}": "/job_id"}``. What is below that path is meant, too.
    leads_to: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request that has passed the gate."""

    http: Request
    #: None only where anybody may call.
    caller: Principal | None
    #: Query parameters, checked and with their types.
    params: Mapping[str, Any]
    path: Mapping[str, str]
    #: The JSON body, checked, of an endpoint that takes one.
    json: Any = None

    @property
    def principal(self) -> Principal:
        assert self.caller is not None, "the endpoint admits anybody"  # noqa: S101 - a mistake in our own tables
        return self.caller


Handle = Callable[[Call], Awaitable[ASGIApp]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Endpoint:
    """One method of one address."""

    method: str
    #: Below the mount, with ``{name}`` for a parameter: "/api/v1/events/{cursor}".
    path: str
    handle: Handle
    summary: str
    tag: str
    description: str = ""
    access: Access = Access.PRINCIPAL
    #: What a principal needs besides.
    permission: str | None = None
    parameters: Sequence[Parameter] = ()
    path_parameters: Sequence[Parameter] = ()
    #: Bodies that are read, by media type; none for an endpoint without a body.
    body: Mapping[str, Media] = field(default_factory=dict)
    #: No body at all is read as ``{}``.
    body_optional: bool = False
    answers: Mapping[int, Answer]
    #: How long the answer may take; None where the endpoint sees to that.
    seconds: float | None = 5.0
    #: An answer that never ends has no HEAD, and is described beside the paths, where no tool calls it by itself.
    endless: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that are answered by it."""
        return ("GET", "HEAD") if self.method == "GET" and not self.endless else (self.method,)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path, cut at its slashes."""
        return tuple(self.path.split("/"))
