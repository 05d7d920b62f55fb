"""The command line as a whole: which commands there are, and how they fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from telemetrykit import Settings, hookimpl
from telemetrykit.cli.app import cli
from telemetrykit.cli.failures import ExitCode
from telemetrykit.cli.group import SHIPPED, CommandGroup
from telemetrykit.cli.output import printable, table
from telemetrykit.errors import BackendUnavailable, ConfigurationError, InvalidRequest


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="telemetrykit")


def group_that_raises(error: BaseException) -> click.Command:
    @click.group(cls=CommandGroup)
    def group() -> None: ...

    @group.command("token")
    def fails() -> None:
        raise error

    class Group(CommandGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return fails

    return Group("telemetrykit")


class PluginWithCommands:
    """What an entry point would load."""

    def __init__(self, *commands: Any) -> None:
        self._commands = commands

    @hookimpl
    def register_commands(self, settings: Settings) -> Iterable[click.Command]:
        return self._commands


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Plugins put in here are found as if they were installed; an exception is raised while one is imported."""
    plugins: list[object] = []

    class Point:
        dist = None

        def __init__(self, number: int) -> None:
            self.name, self._plugin = f"plugin-{number}", plugins[number]

        def load(self) -> object:
            if isinstance(self._plugin, Exception):
                raise self._plugin
            return self._plugin

    monkeypatch.setattr(metadata, "entry_points", lambda group: [Point(number) for number in range(len(plugins))])
    return plugins


def greeting(name: str = "greet") -> click.Command:
    return click.Command(name, callback=lambda: click.echo("hello"), help="Say hello.")


def test_every_command_is_listed_with_its_own_first_line() -> None:
    shown = run("--help").stdout
    for name, (_, text) in SHIPPED.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").splitlines()[0] == text or command.help is None
        assert f"{name} " in shown
        assert text in shown


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "token"])
def test_every_command_takes_the_common_options(name: str) -> None:
    shown = run(name, "--help").stdout
    assert all(option in shown for option in ("--data-dir", "--url", "--json", "--debug"))


def test_help_tells_the_exit_codes() -> None:
    shown = run("--help").stdout
    assert all(f"  {code.value:<4} " in shown for code in ExitCode)


def test_help_loads_no_command_and_nothing_that_is_slow() -> None:
    code = (
        "import sys, telemetrykit; before = set(sys.modules)\n"
        "from telemetrykit.cli.app import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "new = set(sys.modules) - before\n"
        "sys.stderr.write(' '.join(sorted(new)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stderr.split()
    assert "telemetrykit.cli.group" in loaded
    slow = ("telemetrykit.cli.commands", "telemetrykit.plugins", "rich", "uvicorn", "fastapi", "sqlite3")
    assert [name for name in loaded if name.startswith(slow)] == []


def test_a_misspelt_command_is_answered_with_the_nearest_one() -> None:
    result = run("imprt")
    assert result.exit_code == ExitCode.USAGE
    assert "Did you mean 'import'?" in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError("no such store"), ExitCode.USAGE),
        (InvalidRequest("no such store"), ExitCode.USAGE),
        (BackendUnavailable("no such store"), ExitCode.UNAVAILABLE),
        (RuntimeError("no such store"), ExitCode.INTERNAL),
    ],
)
def test_a_failure_is_one_sentence_and_an_exit_code(error: Exception, code: ExitCode) -> None:
    result = CliRunner().invoke(group_that_raises(error), ["token"])
    assert result.exit_code == code
    assert "no such store" in result.stderr
    assert "Traceback" not in result.output


def test_ctrl_c_is_no_failure_to_talk_about() -> None:
    result = CliRunner().invoke(group_that_raises(KeyboardInterrupt()), ["token"])
    assert (result.exit_code, result.output) == (ExitCode.INTERRUPTED, "")


def test_debug_shows_where_it_happened() -> None:
    result = run("--debug", "tail", "--url", "nonsense:x")
    assert isinstance(result.exception, ConfigurationError)
    assert isinstance(run("tail", "--url", "nonsense:x", "--debug").exception, ConfigurationError)


def test_an_unknown_setting_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_DATADIR", "x")
    result = run("token", "list")
    assert result.exit_code == ExitCode.USAGE
    assert "Did you mean 'data_dir'?" in result.stderr


def test_options_win_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_STORE", "sqlite:elsewhere.db")
    monkeypatch.setenv("TELEMETRYKIT_URL", "sqlite:other.db")
    assert run("token", "list", "--url", f"sqlite:{tmp_path}/mine.db").exit_code == 0
    assert [path.name for path in tmp_path.glob("*.db")] == ["mine.db"]


def test_a_store_in_memory_is_refused_since_it_could_only_be_empty() -> None:
    result = run("tail", "--url", "memory:")
    assert result.exit_code == ExitCode.USAGE
    assert "--data-dir" in result.stderr


def test_a_store_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("token", "list", "--data-dir", str(tmp_path / "file" / "below"))
    assert result.exit_code == ExitCode.UNAVAILABLE


def test_a_plugin_adds_commands(installed: list[object]) -> None:
    installed.append(PluginWithCommands(greeting()))
    assert "greet  Say hello." in run("--help").stdout
    assert run("greet").stdout == "hello\n"


def test_a_plugin_cannot_take_the_place_of_a_command_that_ships(installed: list[object]) -> None:
    installed.append(PluginWithCommands(greeting("doctor")))
    result = run("--help")
    assert "'doctor'" in result.stderr
    assert result.stdout.count("doctor") == 1


@pytest.mark.parametrize("broken", [ImportError("no module"), PluginWithCommands(SimpleNamespace(name="no command"))])
def test_a_broken_plugin_is_told_of_and_the_others_work(
    installed: list[object], broken: object, caplog: pytest.LogCaptureFixture
) -> None:
    installed += [broken, PluginWithCommands(greeting())]
    assert run("greet").stdout == "hello\n"
    assert "plugin-0" in caplog.text


def test_plugins_that_cannot_be_looked_for_do_not_stop_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_NONSENSE", "1")
    result = run("--help")
    assert result.exit_code == 0
    assert "Commands of plugins are not shown" in result.stderr


@pytest.mark.parametrize(("missing", "command"), [("click", "--help"), ("rich.console", "prune")])
def test_without_its_extra_the_command_line_names_the_cure(missing: str, command: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['telemetrykit', {command!r}]\n"
        "from telemetrykit.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'telemetrykit[cli]'" in done.stderr


def test_what_could_steer_a_terminal_is_shown_as_an_escape() -> None:
    assert printable("a\x1b[31m\r\n\x9b\u202eé😀") == "a\\x1b[31m\\r\\n\\x9b\\u202eé😀"


def test_a_table_is_aligned_and_has_a_head_when_it_is_empty() -> None:
    assert click.unstyle(table(("A", "B"), [("long", "x"), ("y", "")])) == "A     B\nlong  x\ny"
    assert click.unstyle(table(("A", "B"), [])) == "A  B"
