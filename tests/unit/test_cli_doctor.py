"""``telemetrykit doctor``, and the other commands that look at a store."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from telemetrykit import Event, Settings
from telemetrykit.cli.app import cli
from telemetrykit.cli.diagnosis.backends import check_bus, check_store
from telemetrykit.cli.diagnosis.files import check_data_dir, check_secret
from telemetrykit.cli.diagnosis.finding import Finding, Level
from telemetrykit.cli.diagnosis.host import ClockWatch
from telemetrykit.cli.failures import ExitCode
from telemetrykit.cli.output import size
from telemetrykit.contracts.bus import Bus
from telemetrykit.contracts.storage import StoredToken
from telemetrykit.errors import BackendUnavailable
from telemetrykit.model.principal import Principal
from telemetrykit.plugins.buses.memory import MemoryBus
from telemetrykit.plugins.stores.memory import MemoryStore
from telemetrykit.testing.clock import FakeClock

HOUR = 3_600_000_000
NOW = FakeClock().now()


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def diagnosis(*arguments: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(run("doctor", "--json", *arguments).stdout):
        found.setdefault(finding["what"], []).append(finding)
    return found


def levels(findings: list[Finding], what: str) -> list[Level]:
    return [finding.level for finding in findings if finding.what == what]


async def look(store: MemoryStore, **settings: Any) -> list[Finding]:
    return list(await check_store(Settings(**settings), store, NOW))


def test_a_new_folder_is_well_except_that_nobody_may_look() -> None:
    result = run("doctor")
    assert result.exit_code == ExitCode.OK
    assert [line for line in result.stdout.splitlines() if line.startswith("fail")] == []
    assert "warn  access: nobody may look" in result.stdout
    assert "telemetrykit token create" in result.stdout


def test_every_part_is_looked_at() -> None:
    looked = diagnosis()
    parts = {"settings", "data_dir", "secret key", "extras", "plugins", "store", "bus", "clock", "access"}
    assert parts | {"event times", "processes"} == set(looked)
    assert all(finding["cure"] for found in looked.values() for finding in found if finding["level"] != "ok")


def test_wrong_settings_are_a_finding_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_SAMPLE_RATE", "7")
    result = run("doctor")
    assert result.exit_code == ExitCode.FOUND_WRONG
    assert "sample_rate" in result.stdout


def test_an_unknown_scheme_is_a_finding() -> None:
    assert diagnosis("--url", "nonsense:x")["plugins"][0]["level"] == "fail"


def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "telemetry.db").write_text("something else entirely" * 100)
    found = diagnosis("--url", "sqlite:telemetry.db")["store"]
    assert found[0]["level"] == "fail"


def test_sizes_are_told_in_units_that_people_read() -> None:
    assert [size(number) for number in (0, 999, 81_920, 999_950, 77_246_644_224, 5 * 10**15)] == [
        "0 B",
        "999 B",
        "81.9 kB",
        "1,000 kB",
        "77.2 GB",
        "5,000 TB",
    ]
    assert re.search(r"size \d[\d.]* kB, file .* free \d[\d.]* [GT]B", diagnosis()["store"][0]["detail"])


def test_a_folder_that_others_may_read_is_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    [first, second] = check_data_dir(Settings(data_dir=tmp_path, min_free=0))
    assert (first.level, second.level) == (Level.OK, Level.WARN)
    assert second.cure == f"chmod 700 {tmp_path}"


def test_a_folder_that_is_not_there_yet_is_well(tmp_path: Path) -> None:
    [finding] = check_data_dir(Settings(data_dir=tmp_path / "a" / "b", min_free=0))
    assert (finding.level, "is made when" in finding.detail) == (Level.OK, True)


def test_a_folder_that_is_a_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert [f.level for f in check_data_dir(Settings(data_dir=tmp_path / "file" / "below"))] == [Level.FAIL]


def test_a_full_disk_is_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    [_, finding] = check_data_dir(Settings(data_dir=tmp_path, min_free=2**62))
    assert (finding.level, "min_free" in finding.detail) == (Level.WARN, True)


@pytest.mark.parametrize(
    ("key", "mode", "expected"),
    [
        ("k" * 40, 0o600, [Level.OK]),
        ("k" * 40, 0o644, [Level.FAIL, Level.OK]),
        ("tiny", 0o600, [Level.FAIL]),
        ("", 0o600, [Level.FAIL]),
    ],
)
def test_a_key_file_must_be_secret_and_long(tmp_path: Path, key: str, mode: int, expected: list[Level]) -> None:
    descriptor = os.open(tmp_path / "secret", os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, key.encode())
    os.fchmod(descriptor, mode)
    os.close(descriptor)
    findings = list(check_secret(Settings(data_dir=tmp_path)))
    assert [finding.level for finding in findings] == expected
    assert not any(key and key in finding.detail for finding in findings)


def test_keys_of_the_settings_are_enough_and_never_shown(tmp_path: Path) -> None:
    [finding] = check_secret(Settings(data_dir=tmp_path, secret_keys=("k" * 40,)))
    assert (finding.level, "kkk" in finding.detail) == (Level.OK, False)
    assert [f.level for f in check_secret(Settings(data_dir=tmp_path, secret_keys=("k",)))] == [Level.FAIL]


def test_a_store_on_the_network_wants_a_key_that_all_machines_share(tmp_path: Path) -> None:
    findings = list(check_secret(Settings(data_dir=tmp_path, url="redis://host/")))
    assert findings[-1].level is Level.WARN


async def test_events_of_the_future_are_told_of() -> None:
    store = MemoryStore()
    times = (NOW - HOUR, NOW + 1, NOW + HOUR)
    await store.append(
        "b", [Event(type="a", source="s", id=str(at), time=at, data={}, tenant="default") for at in times]
    )
    findings = await look(store)
    assert levels(findings, "event times") == [Level.WARN]
    assert "1 event more" in next(f.detail for f in findings if f.what == "event times")


async def test_a_process_whose_clock_is_ahead_is_told_of() -> None:
    store = MemoryStore()
    await store.save_worker("web-1", {}, seen_at=NOW)
    assert levels(await look(store), "processes") == [Level.OK]
    await store.save_worker("web-2", {}, seen_at=NOW + HOUR)
    [finding] = [f for f in await look(store) if f.what == "processes"]
    assert (finding.level, "web-2" in finding.detail, "web-1" in finding.detail) == (Level.WARN, True, False)


async def test_access_is_summed_up_and_expired_tokens_are_named() -> None:
    store, who = MemoryStore(), Principal.with_roles(id="ci", tenant="default", roles=["viewer"])
    await store.save_token(StoredToken(name="old", sha256="0", principal=who, created_at=0, expires_at=NOW))
    assert levels(await look(store), "access") == [Level.WARN, Level.WARN]
    await store.save_token(StoredToken(name="new", sha256="1", principal=who, created_at=0))
    found = [f for f in await look(store, anonymous="viewer") if f.what == "access"]
    assert [f.level for f in found] == [Level.OK, Level.WARN]
    assert found[0].detail == "1 stored token, anybody on this machine as viewer"
    assert found[1].detail == "expired: old"


class AwayBus(MemoryBus):
    async def open(self) -> None:
        raise BackendUnavailable("nobody there")


class AwayStore(MemoryStore):
    async def open(self) -> None:
        raise BackendUnavailable("nobody there")


@pytest.mark.parametrize(("bus", "expected"), [(MemoryBus(), Level.OK), (AwayBus(), Level.WARN)])
async def test_without_a_bus_it_works_but_later(bus: Bus, expected: Level) -> None:
    assert (await check_bus(Settings(url="memory:"), bus)).level is expected


async def test_without_a_store_it_does_not_work() -> None:
    assert [f.level for f in await look(AwayStore())] == [Level.FAIL]


@pytest.mark.parametrize(("jump", "expected"), [(0, Level.OK), (5, Level.WARN)])
def test_a_clock_that_jumps_is_told_of(jump: float, expected: Level) -> None:
    clock = FakeClock(NOW + HOUR)
    watch = ClockWatch(clock)
    clock.advance(0.5)
    clock.set_back(jump)
    assert [f.level for f in watch.check()] == [expected]


def test_a_clock_that_was_never_set_is_told_of() -> None:
    assert [f.level for f in ClockWatch(FakeClock(now=0)).check()] == [Level.FAIL]


def test_plugins_are_listed_with_what_they_bring() -> None:
    found = json.loads(run("plugins", "--json").stdout)
    redact = next(item for item in found["items"] if item["name"] == "processor-redact")
    assert (redact["origin"], redact["parts"]) == ("built-in", ["processors:redact"])
    shown = run("plugins").stdout
    assert "processors:redact" in shown
    assert " event_types\n" in shown, "the many parts of one kind are counted"
    assert max(map(len, shown.splitlines())) <= 100


def test_a_disabled_plugin_is_listed_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_DISABLE", "processor-redact")
    found = json.loads(run("plugins", "--json").stdout)
    assert [item["name"] for item in found["items"] if item["state"] == "disabled"] == ["processor-redact"]


def test_prune_deletes_by_age_or_size_and_says_how_much() -> None:
    run("token", "create", "a", "--role", "viewer")
    assert run("prune").stdout == "0 events deleted\n"
    assert run("prune", "--older-than", "1d").stdout == "0 events deleted\n"
    assert json.loads(run("prune", "--older-than", "0", "--json").stdout) == {"deleted": 1}
    run("token", "create", "b", "--role", "viewer")
    assert run("prune", "--max-bytes", "0").stdout == "1 event deleted\n"


@pytest.mark.parametrize("arguments", [["--older-than", "old"], ["--max-bytes", "much"]])
def test_prune_wants_limits_that_it_understands(arguments: list[str]) -> None:
    assert run("prune", *arguments).exit_code == ExitCode.USAGE


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_is_taken_is_told_before_anything_starts(host: str) -> None:
    with socket.create_server((host, 0)) as taken:
        result = run("serve", "--host", host, "--port", str(taken.getsockname()[1]))
    assert result.exit_code == ExitCode.USAGE
    assert "--port" in result.stderr
