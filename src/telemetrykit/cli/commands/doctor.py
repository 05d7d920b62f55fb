"""``telemetrykit doctor``: what is wrong, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click

from ...errors import ConfigurationError
from ...runtime.clock import SystemClock
from ..diagnosis.backends import check_bus, check_store
from ..diagnosis.files import check_data_dir, check_secret
from ..diagnosis.finding import Finding, Level, fail, ok
from ..diagnosis.host import ClockWatch, check_extras, check_plugins
from ..failures import ExitCode
from ..options import CommonOptions, common_options
from ..output import answer, answer_json, printable, quiet_logs
from ..stores import assemble

_COLOURS: Mapping[Level, Mapping[str, Any]] = {
    Level.OK: {"fg": "green"},
    Level.WARN: {"fg": "yellow"},
    Level.FAIL: {"fg": "red", "bold": True},
}


@click.command("doctor")
@common_options
@click.pass_context
def command(ctx: click.Context, options: CommonOptions) -> None:
    """Check settings, store, clock and access, and say what to do.

    Every line is ok, warn or fail, with what to do about it; the exit code is 1 if one is fail. The store is opened
    as the app would open it: its file is made if there is none.
    """
    with quiet_logs():
        findings = asyncio.run(_examine(options))
    if options.json:
        answer_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            answer(_line(finding))
    if any(finding.level is Level.FAIL for finding in findings):
        ctx.exit(ExitCode.FOUND_WRONG)


async def _examine(options: CommonOptions) -> list[Finding]:
    watch = ClockWatch(SystemClock())
    try:
        settings = options.settings()
    except ConfigurationError as error:
        return [fail("settings", str(error), "Correct it, then ask the doctor again.")]
    findings = [ok("settings", "all are known and valid"), *check_data_dir(settings), *check_secret(settings)]
    try:
        parts = assemble(settings)
    except ConfigurationError as error:
        return [*findings, fail("plugins", str(error), "Correct it, then ask the doctor again.")]
    return [
        *findings,
        *check_extras(),
        *check_plugins(parts.registry),
        *await check_store(settings, parts.backends.store, parts.clock.now()),
        await check_bus(settings, parts.backends.bus),
        *watch.check(),
    ]


def _line(finding: Finding) -> str:
    level = click.style(finding.level.value.ljust(4), **_COLOURS[finding.level])
    said = f"{level}  {finding.what}: {printable(finding.detail)}"
    return f"{said}\n      {printable(finding.cure)}" if finding.cure else said
