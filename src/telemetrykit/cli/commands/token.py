"""``telemetrykit token``: who may look."""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...contracts.storage import Store, StoredToken
from ...contracts.web import HOST_TENANT
from ...errors import ConfigurationError
from ...events.back import BackHalf
from ...model.event import Event, rfc3339
from ...model.principal import ROLES, Principal
from ...runtime.clock import SystemClock
from ...runtime.ids import IdFactory
from ...settings import Settings, parse_duration, safe_url
from ..options import CommonOptions, common_options, value_of
from ..output import answer, answer_json, moment, note, table
from ..stores import Backend, opened

_HEAD = ("NAME", "TENANT", "ROLES", "CREATED", "EXPIRES", "LAST USED")
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")


@click.group("token")
def command() -> None:
    """Create, list and delete access tokens.

    A token is kept in the store by its SHA-256 only. A request carries it as `Authorization: Bearer TOKEN`, and the
    dashboard asks for one at its login page.
    """


@command.command("create")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(list(ROLES)), help="May be repeated.")
@click.option("--tenant", metavar="NAME", help="Whose events it shows; the default tenant if not given.")
@click.option("--expires", metavar="DURATION", callback=value_of(parse_duration), help="Such as 30d; never without.")
@click.option("--replace", is_flag=True, help="Take the place of a token of that name.")
@common_options
def create(
    options: CommonOptions, name: str, roles: Sequence[str], tenant: str | None, expires: float | None, replace: bool
) -> None:
    """Make a token and print it, this once."""
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name: take 1 to 64 letters, digits and any of . _ - @")
    if expires == 0:
        raise ConfigurationError("A token that expires at once is of no use: give --expires a time such as 30d.")
    settings = options.settings()
    secret = f"tk_{secrets.token_urlsafe(32)}"
    now = SystemClock().now()
    token = StoredToken(
        name=name,
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        principal=Principal.with_roles(id=name, tenant=tenant or settings.tenant, roles=roles),
        created_at=now,
        expires_at=None if expires is None else now + int(expires * 1_000_000),
    )
    asyncio.run(_save(settings, token, replace))
    if options.json:
        answer_json({**_described(token), "token": secret})
        return
    answer(secret)
    note(f"Token {name!r}: {', '.join(sorted(roles))} of tenant {token.principal.tenant!r}, {_lasts(token)}.")
    note("Keep it: it is not shown again.")
    note(f"It opens what is kept in {_place(settings)}.")


@command.command("list")
@common_options
def list_(options: CommonOptions) -> None:
    """List the tokens.

    Those of the setting `tokens` are not among them: they are not in the store.
    """
    settings = options.settings()
    tokens = asyncio.run(_list(settings))
    if options.json:
        answer_json([_described(token) for token in tokens])
    elif tokens:
        answer(table(_HEAD, [_row(token) for token in tokens]))
    else:
        note(f"There are no tokens in {_place(settings)}. Make one: telemetrykit token create NAME --role viewer")


@command.command("delete")
@click.argument("name")
@common_options
def delete(options: CommonOptions, name: str) -> None:
    """Delete a token.

    Whoever uses it is refused from the next request on.
    """
    asyncio.run(_delete(options.settings(), name))
    if options.json:
        answer_json({"deleted": name})
    else:
        answer(f"Token {name!r} is deleted.")


async def _save(settings: Settings, token: StoredToken, replace: bool) -> None:
    async with opened(settings) as backend:
        if not replace and await _find(backend.store, token.name):
            raise ConfigurationError(f"There is a token {token.name!r} already: delete it, or say --replace.")
        await backend.store.save_token(token)
        await _audit(backend, "created", token.name)


async def _list(settings: Settings) -> Sequence[StoredToken]:
    async with opened(settings) as (store, _):
        return await store.list_tokens()


async def _delete(settings: Settings, name: str) -> None:
    async with opened(settings) as backend:
        if not await backend.store.delete_token(name):
            raise ConfigurationError(f"There is no token {name!r}: `telemetrykit token list` shows those there are.")
        await _audit(backend, "deleted", name)


async def _find(store: Store, name: str) -> StoredToken | None:
    return next((token for token in await store.list_tokens() if token.name == name), None)


async def _audit(backend: Backend, action: str, name: str) -> None:
    """Who changed the tokens is an event, too."""
    now = SystemClock().now()
    event = Event(
        type="audit.token",
        source="telemetrykit",
        id=IdFactory().text(now * 1000, 0),
        time=now,
        data={"action": action, "name": name, "principal": _whoami()},
        tenant=HOST_TENANT,
        subject=name,
    )
    await BackHalf(log=backend.store, bus=backend.bus, observers=()).store(event.id, [event])


def _whoami() -> str:
    try:
        return f"command line: {getpass.getuser()}"
    except (KeyError, OSError):
        return "command line"  # A container may have no name for its user.


def _place(settings: Settings) -> str:
    """Which store: a token made for another one than the app's opens nothing. A file by its whole path."""
    scheme, _, path = settings.store_url.partition(":")
    return str(Path(path).absolute()) if scheme == "sqlite" else safe_url(settings.store_url)


def _lasts(token: StoredToken) -> str:
    return "for ever" if token.expires_at is None else f"until {moment(token.expires_at)}"


def _row(token: StoredToken) -> tuple[str, ...]:
    who = token.principal
    times = (moment(token.created_at), moment(token.expires_at), moment(token.last_used))
    return token.name, who.tenant, ", ".join(sorted(who.roles)), *times


def _described(token: StoredToken) -> dict[str, Any]:
    times = {"created_at": token.created_at, "expires_at": token.expires_at, "last_used": token.last_used}
    return {
        "name": token.name,
        "tenant": token.principal.tenant,
        "roles": sorted(token.principal.roles),
        **{name: None if at is None else rfc3339(at) for name, at in times.items()},
    }
