"""The options that every command takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from ..errors import ConfigurationError
from ..settings import Settings
from .failures import DEBUG_OPTION

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
    """Where the telemetry is, and how to answer."""

    data_dir: Path | None
    url: str | None
    json: bool

    def settings(self, **more: Any) -> Settings:
        """Settings as the app would load them, the options of the command line on top.

        Raises ConfigurationError that names the setting.
        """
        given: dict[str, Any] = {} if self.data_dir is None else {"data_dir": self.data_dir}
        if self.url is not None:
            # A store that the environment names on its own would win over the URL otherwise.
            given |= {"url": self.url, "store": None, "bus": None}
        return Settings.load(**given, **more)


def common_options(command: Callable[Concatenate[CommonOptions, P], R]) -> Callable[..., R]:
    """Add ``--data-dir``, ``--url``, ``--json`` and ``--debug``, and hand the command a CommonOptions first."""

    @wraps(command)
    def with_common(*args: Any, data_dir: Path | None, url: str | None, as_json: bool, **kwargs: Any) -> R:
        return command(CommonOptions(data_dir=data_dir, url=url, json=as_json), *args, **kwargs)

    decorated: Callable[..., R] = with_common
    for option in (
        DEBUG_OPTION,
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        click.option(
            "--url",
            metavar="URL",
            help="The store, such as sqlite:/var/lib/app/telemetry.db; DIR/telemetry.db if not given.",
        ),
        click.option(
            "--data-dir",
            metavar="DIR",
            type=click.Path(path_type=Path),
            help="Folder of the kit's files; .telemetrykit if not given.",
        ),
    ):
        decorated = option(decorated)
    return decorated


def remote_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add ``--remote`` and ``--token-file``; ConfigurationError for a token without an app to show it to."""

    @wraps(command)
    def with_remote(*args: Any, remote: str | None, token_file: Path | None, **kwargs: Any) -> R:
        if remote is None and token_file is not None:
            raise ConfigurationError("--token-file is for an app: name it with --remote URL. A store takes no token.")
        return command(*args, remote=remote, token_file=token_file, **kwargs)

    url = click.option("--remote", metavar="URL", help="Ask a running app, by its mount, and not a store.")
    token = click.option("--token-file", type=click.Path(path_type=Path), help="Holds the token for --remote.")
    return url(token(with_remote))


def app_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add ``--app``, and hand the command ``plugins``: those that the app gave its Telemetry by hand."""

    @wraps(command)
    def with_plugins(*args: Any, app: str | None, **kwargs: Any) -> R:
        if app is None:
            return command(*args, plugins=(), **kwargs)
        from ..worker import load_plugins  # It imports the whole kit.

        return command(*args, plugins=load_plugins(app), **kwargs)

    help = "The Telemetry of your app, for the plugins that you gave it by hand."
    return click.option("--app", metavar="MODULE:NAME", help=help)(with_plugins)


def value_of(parse: Callable[[str], V]) -> Callable[[click.Context, click.Parameter, str | None], V | None]:
    """A callback for options that take the form of a setting, such as ``7d``; its ValueError becomes a usage error."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> V | None:
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from None

    return callback
