"""A plugin in a distribution of its own: found by its entry point, used, and harmless when it misbehaves."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from support.waiting import PATIENCE

from telemetrykit.contracts.storage import Store
from telemetrykit.testing.conformance.store import StoreConformance

PLUGIN = Path(__file__).resolve().parents[1] / "fixtures" / "third_party_plugin"
HOST = PLUGIN / "host.py"
PATHS = ("/", "/parcels/p1", "/letters", "/fail", "/nowhere", "/parcels/p2?carrier=acme")


class Host(NamedTuple):
    """A running host app."""

    port: int
    process: subprocess.Popen[str]

    def raw(self, path: str) -> bytes:
        """The answer to a GET as it came over the wire, without the line that tells the time."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", path, headers={"Connection": "close"})
        assert connection.sock is not None
        received = b"".join(iter(lambda: connection.sock.recv(65536), b""))
        connection.close()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"date:")]
        return b"\r\n".join([*lines, b"", body])

    def get(self, path: str) -> Any:
        """The JSON at a path below the kit's API."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/telemetry/api/v1/{path}", timeout=PATIENCE) as got:
            return json.load(got)

    def wait_for(self, path: str, wanted: Callable[[Any], object]) -> Any:
        """What is at a path once it is as wanted."""
        end = time.monotonic() + PATIENCE
        while not wanted(found := self.get(path)):
            assert time.monotonic() < end, found
            time.sleep(0.02)
        return found


def environment(site: Path, folder: Path, **settings: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TELEMETRYKIT_")}
    named = {f"TELEMETRYKIT_{name.upper()}": value for name, value in settings.items()}
    return {**clean, "PYTHONPATH": str(site), "TELEMETRYKIT_DATA_DIR": str(folder), **named}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the distribution is built and installed into."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*install, "--target", str(target), str(PLUGIN)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@contextmanager
def running(environ: Mapping[str, str], folder: Path) -> Iterator[Host]:
    errors = folder / "host.err"
    with (
        errors.open("a") as log,
        subprocess.Popen(
            [sys.executable, str(HOST)], stdout=subprocess.PIPE, stderr=log, text=True, env=dict(environ), cwd=folder
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, errors.read_text()
            yield Host(int(line), process)
        finally:
            process.kill()


def command(environ: Mapping[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telemetrykit", *arguments],
        capture_output=True, text=True, env=dict(environ), cwd=folder, check=False, timeout=PATIENCE,
    )  # fmt: skip


def events(host: Host, type: str, tenant: str = "default") -> list[dict[str, Any]]:
    query = f"events?q={quote(f'type:{type}')}&tenant={tenant}"
    items: list[dict[str, Any]] = host.wait_for(query, lambda page: page["items"])["items"]
    return items


class TestJournalStore(StoreConformance):
    """The store of the distribution, written on the public contracts alone, keeps them."""

    @pytest.fixture
    async def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.syspath_prepend(PLUGIN / "src")
        from acme_telemetry.store import JournalStore

        store: Store = JournalStore(tmp_path / "journal.jsonl")
        await store.open()
        yield store
        await store.close()


def test_the_parts_of_an_installed_plugin_work_in_a_real_process(site: Path, tmp_path: Path) -> None:
    environ = environment(site, tmp_path, load_plugins="acme", store=f"journal:{tmp_path}/journal.jsonl", bus="memory:")
    with running(environ, tmp_path) as host:
        assert host.raw("/parcels/p1").startswith(b"HTTP/1.1 201")
        (event,) = events(host, "parcel.shipped")
        assert (event["subject"], event["data"]) == ("p1", {"carrier": "acme", "grams": 250})
        types = {one["type"]: one for one in host.get("event-types?limit=100")["items"]}
        assert types["parcel.shipped"]["description"] == "A parcel left the house."
        assert host.get("status")["backends"]["store"]["url"] == "journal:"
        plugin = next(one for one in host.get("plugins")["items"] if one["name"] == "acme")
        assert (plugin["origin"], plugin["distribution"]) == ("installed", "acme-telemetry")
        assert plugin["parts"] == ["event_types:parcel.shipped", "sinks:parcels"]
        host.process.send_signal(signal.SIGTERM)
        host.process.wait(PATIENCE)
    assert (tmp_path / "parcels.txt").read_text() == "p1\n"
    with running(environ, tmp_path) as host:
        assert [one["subject"] for one in events(host, "parcel.shipped")] == ["p1"]


def test_what_an_installed_plugin_declares_is_asked_of_events(site: Path, tmp_path: Path) -> None:
    with running(environment(site, tmp_path, load_plugins="acme"), tmp_path) as host:
        wire = {"id": "1", "source": "test", "type": "parcel.shipped", "data": {"carrier": "acme", "grams": 0}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{host.port}/telemetry/api/v1/events",
            json.dumps(wire).encode(),
            {"Content-Type": "application/cloudevents+json"},
        )
        with pytest.raises(urllib.error.HTTPError, match="422") as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        with refused.value as answer:
            assert json.load(answer)["errors"][0]["pointer"] == "#/data/grams"


def test_an_unknown_scheme_becomes_known_by_installing_its_plugin(site: Path, tmp_path: Path) -> None:
    journal = {"store": f"journal:{tmp_path}/journal.jsonl", "bus": "memory:"}
    without = command(environment(site, tmp_path, load_plugins="none", **journal), tmp_path, "plugins")
    assert (without.returncode, "journal:" in without.stderr) == (2, True)
    assert command(environment(site, tmp_path, load_plugins="acme", **journal), tmp_path, "plugins").returncode == 0


@pytest.fixture(scope="module")
def plain_answers(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the host answers without the kit."""
    folder = tmp_path_factory.mktemp("plain")
    with running({**environment(site, folder), "HOST_KIT": "0"}, folder) as host:
        return {path: host.raw(path) for path in PATHS}


def test_plugins_that_fail_leave_the_answers_of_the_host_byte_for_byte_what_they_were(
    site: Path, tmp_path: Path, plain_answers: dict[str, bytes]
) -> None:
    with running(environment(site, tmp_path), tmp_path) as host:
        assert {path: host.raw(path) for path in PATHS} == plain_answers
        host.wait_for("plugins", lambda plugins: _circuit(plugins, "acme-write")["state"] == "open")
        assert {path: host.raw(path) for path in PATHS} == plain_answers


def test_plugins_that_fail_are_named_on_the_command_line(site: Path, tmp_path: Path) -> None:
    listed = command(environment(site, tmp_path), tmp_path, "plugins")
    assert listed.returncode == 1
    for plugin, reason in (
        ("acme-import", "acme raises at import"),
        ("acme-hook", "acme raises in a hook"),
        ("acme-misspelt", "register_sink"),
    ):
        assert any(line.startswith(f"failed: {plugin}:") and reason in line for line in listed.stdout.splitlines())


def test_plugins_that_fail_are_named_by_the_api(site: Path, tmp_path: Path) -> None:
    with running(environment(site, tmp_path), tmp_path) as host:
        failures = {one["plugin"]: one["error"] for one in host.get("plugins")["failures"]}
        assert set(failures) == {"acme-import", "acme-hook", "acme-misspelt"}
        assert "acme raises at import" in failures["acme-import"]
        assert "acme raises in a hook" in failures["acme-hook"]
        host.raw("/parcels/p1")
        assert _circuit(
            host.wait_for("plugins", lambda plugins: _circuit(plugins, "acme-write")["errors"]), "acme-write"
        )["last_error"].endswith("acme raises in write")
        issues = " ".join(host.wait_for("status", lambda status: _all_named(status["issues"]))["issues"])
        assert "sink acme-hangs hangs" in issues
        assert host.get("health/ready")["status"] == "degraded"
        parts = {event["data"]["part"] for event in events(host, "plugin.failed", "_host")}
        failed_to_load = {"plugin:acme-import", "plugin:acme-hook", "plugin:acme-misspelt"}
        assert parts >= {"sink:acme-raises", *failed_to_load}
        host.wait_for(
            f"events?tenant=_host&q={quote('type:plugin.failed part:sink:acme-waits')}", lambda page: page["items"]
        )


def test_the_good_plugin_goes_on_beside_those_that_fail(site: Path, tmp_path: Path) -> None:
    with running(environment(site, tmp_path), tmp_path) as host:
        for number in range(20):
            host.raw(f"/parcels/p{number}")
        host.wait_for("status", lambda status: status["events"]["stored"] >= 40)
        host.wait_for("status", lambda _: (tmp_path / "parcels.txt").read_text().count("\n") == 20)


def test_a_sink_that_hangs_does_not_hold_up_the_end_of_the_process(site: Path, tmp_path: Path) -> None:
    with running(environment(site, tmp_path), tmp_path) as host:
        host.raw("/parcels/p1")
        host.wait_for("status", lambda status: "sink acme-hangs hangs" in " ".join(status["issues"]))
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(PATIENCE) is not None


def test_strict_plugins_stops_the_host_instead(site: Path, tmp_path: Path) -> None:
    listed = command(environment(site, tmp_path, strict_plugins="1"), tmp_path, "plugins")
    assert listed.returncode == 2
    assert "acme-import" in listed.stderr or "acme-hook" in listed.stderr


def _circuit(plugins: Mapping[str, Any], name: str) -> dict[str, Any]:
    plugin = next(one for one in plugins["items"] if one["name"] == name)
    (circuit,) = plugin["circuits"]
    return dict(circuit)


def _all_named(issues: list[str]) -> bool:
    said = " ".join(issues)
    return all(name in said for name in ("acme-import", "acme-hook", "acme-misspelt", "acme-raises", "acme-hangs"))
