"""What a command says when it fails: one sentence, and an exit code that scripts can tell apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click

from ..errors import BackendUnavailable, ConfigurationError, JobError, MissingDependency, RequestError


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    #: The command did its work, and the work says that something is wrong.
    FOUND_WRONG = 1
    USAGE = 2
    UNAVAILABLE = 3
    #: EX_SOFTWARE of sysexits.h.
    INTERNAL = 70
    #: 128 + SIGINT, as shells count.
    INTERRUPTED = 130


_META = f"{__name__}.debug"


def _remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_META] = True


#: For the group and every command: ``--debug`` shows the traceback of a failure.
DEBUG_OPTION = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember, help="Show the traceback of a failure."
)


class UsageFailure(click.ClickException):
    """The command was used wrongly, or the configuration cannot work."""

    exit_code = ExitCode.USAGE


class JobFailure(click.ClickException):
    """What the command had done did not succeed."""

    exit_code = ExitCode.FOUND_WRONG


class UnavailableFailure(click.ClickException):
    """Something that the command needs does not answer."""

    exit_code = ExitCode.UNAVAILABLE


class InternalFailure(click.ClickException):
    """Something that should not happen."""

    exit_code = ExitCode.INTERNAL


@contextmanager
def reported(ctx: click.Context) -> Iterator[None]:
    """Turn what a command raises into a sentence and an exit code; with ``--debug`` errors are raised on."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except KeyboardInterrupt:
        ctx.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us has seen enough (`| head`). Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        ctx.exit(ExitCode.OK)
    except Exception as error:
        if ctx.meta.get(_META):
            raise
        raise _failure(error) from None


def _failure(error: Exception) -> click.ClickException:
    if isinstance(error, (ConfigurationError, RequestError)):
        return UsageFailure(str(error))
    if isinstance(error, JobError):
        return JobFailure(str(error))
    if isinstance(error, BackendUnavailable):
        return UnavailableFailure(str(error))
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == "rich":
        return UsageFailure(str(MissingDependency("rich", "cli")))
    return InternalFailure(
        f"{type(error).__name__}: {error}. This is an error of telemetrykit: run it again with --debug to see where."
    )
