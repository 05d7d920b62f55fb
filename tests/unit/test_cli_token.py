"""``telemetrykit token``: made once, known by digest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from telemetrykit.cli.app import cli
from telemetrykit.cli.failures import ExitCode


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["token", *arguments])


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json").stdout)
    return found


def test_a_token_is_printed_alone_so_that_a_script_can_take_it() -> None:
    result = run("create", "ci", "--role", "viewer")
    assert result.stdout.startswith("tk_")
    assert len(result.stdout.split()) == 1
    assert "not shown again" in result.stderr


def test_whoever_makes_or_lists_tokens_is_told_of_which_store(tmp_path: Path) -> None:
    store = str(tmp_path / ".telemetrykit" / "telemetry.db")
    none = run("list")
    assert (none.stdout, store in none.stderr, "token create" in none.stderr) == ("", True, True)
    assert store in run("create", "ci", "--role", "viewer").stderr
    assert "ci" in run("list").stdout


def test_only_the_digest_of_a_token_is_kept(tmp_path: Path) -> None:
    secret = run("create", "ci", "--role", "viewer").stdout.strip()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("telemetry.db*"))
    assert secret.encode() not in kept
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in kept


def test_the_list_shows_everything_but_the_token_and_its_digest() -> None:
    made = json.loads(
        run("create", "ci", "--role", "viewer", "--role", "operator", "--tenant", "acme", "--json").stdout
    )
    [token] = listed()
    assert token == {name: value for name, value in made.items() if name != "token"}
    assert (token["name"], token["tenant"], token["roles"]) == ("ci", "acme", ["operator", "viewer"])
    assert (token["expires_at"], token["last_used"]) == (None, None)


def test_a_token_may_end() -> None:
    run("create", "ci", "--role", "viewer", "--expires", "30d")
    [token] = listed()
    assert token["expires_at"] > token["created_at"]
    assert token["expires_at"][:10] in run("list").stdout


def test_a_name_is_taken_until_replace_is_said() -> None:
    first = run("create", "ci", "--role", "viewer").stdout
    assert run("create", "ci", "--role", "admin").exit_code == ExitCode.USAGE
    second = run("create", "ci", "--role", "admin", "--replace").stdout
    assert first != second
    assert [token["roles"] for token in listed()] == [["admin"]]


def test_a_deleted_token_is_gone() -> None:
    run("create", "ci", "--role", "viewer")
    assert run("delete", "ci").exit_code == ExitCode.OK
    assert listed() == []


def test_a_token_that_is_not_there_cannot_be_deleted() -> None:
    result = run("delete", "ci")
    assert result.exit_code == ExitCode.USAGE
    assert "token list" in result.stderr


def test_who_changed_the_tokens_is_an_event() -> None:
    run("create", "ci", "--role", "viewer")
    run("delete", "ci")
    shown = CliRunner().invoke(cli, ["tail", "-F", "--json", "type:audit.token"]).stdout
    events = [json.loads(line) for line in shown.splitlines()]
    assert [event["data"]["action"] for event in events] == ["created", "deleted"]
    assert {event["tenantid"] for event in events} == {"_host"}
    assert {event["subject"] for event in events} == {"ci"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["ci"],
        ["ci", "--role", "king"],
        ["two words", "--role", "viewer"],
        ["", "--role", "viewer"],
        ["ci", "--role", "viewer", "--expires", "soon"],
        ["ci", "--role", "viewer", "--expires", "0"],
    ],
)
def test_a_wrong_call_makes_no_token(arguments: list[str]) -> None:
    assert run("create", *arguments).exit_code == ExitCode.USAGE
    assert listed() == []
