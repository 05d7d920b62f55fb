"""A Flask extension: ``FlaskTelemetry(telemetry).init_app(app)``, and ``flask telemetry`` on the command line."""

from __future__ import annotations

from importlib import import_module

from .errors import MissingDependency
from .telemetry import Telemetry

try:
    from flask import Flask
except ModuleNotFoundError as error:
    raise MissingDependency("Flask", "flask") from error

#: Handed over by name: the command line stands above this module and needs packages that an app may not have.
_COMMANDS = "telemetrykit.cli.app"


class FlaskTelemetry:
    """The kit as an extension.

    Without ``telemetry`` each app gets one of its own, with settings from the environment and ``telemetrykit.toml``.
    An app finds its own at ``app.extensions["telemetrykit"]``.
    """

    def __init__(self, telemetry: Telemetry | None = None, app: Flask | None = None) -> None:
        self._telemetry = telemetry
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, path: str | None = None) -> None:
        """Install in an app, with the kit's pages at ``path`` (``settings.path`` if not given).

        Raises ConfigurationError the second time.
        """
        telemetry = self._telemetry or Telemetry.from_env()
        telemetry.install(app, path)
        try:
            commands = import_module(_COMMANDS).cli
        except ModuleNotFoundError:
            return  # The extra [cli] is not installed.
        app.cli.add_command(commands, "telemetry")
