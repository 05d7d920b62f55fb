"""The kit in processes of every kind: scripts that just end, forked children, many kits at once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from support.server import environment
from support.store import integrity, read_events
from support.waiting import PATIENCE

from telemetrykit.model.event import Event

#: Warnings are errors, but for the one that Python gives whenever a process with threads forks.
STRICT = ("-W", "error", "-W", "ignore:This process")
HEAD = """
import atexit, gc, os, sys, threading, time, warnings
from telemetrykit import Settings, Telemetry

def emit_many(telemetry, of, count=500):
    for number in range(count):
        telemetry.emit("tick", n=number, of=of)

def join_all():
    # A thread may begin another one before it ends. To collect does nothing while another thread is at it.
    while others := set(threading.enumerate()) - {threading.main_thread()}:
        gc.collect()
        for thread in others:
            thread.join(0.1)

"""


class Script:
    """Runs Python text in a process of its own, with its kit's files in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self._options = options
        self.database = folder / "data" / "telemetry.db"

    def __call__(self, text: str, *, expect: int = 0, errors: str | None = "") -> str:
        """Its output. It must end with this code, and with these words on standard error (None: any)."""
        done = subprocess.run(
            [sys.executable, *self._options, "-c", HEAD + text],
            cwd=self.folder,
            env=environment(data_dir=self.folder / "data", min_free=0),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == expect, done.stderr
        # The development mode tells of steps that took long: of this machine, not of the kit.
        told = [line for line in done.stderr.splitlines() if not line.startswith("Executing <")]
        assert errors is None or "\n".join(told) == errors
        return done.stdout

    def events(self, type: str = "tick") -> list[Event]:
        """What it has stored, each event once."""
        events = read_events(self.database, type)
        assert len({event.id for event in events}) == len(events)
        assert integrity(self.database) == "ok"
        return events


@pytest.fixture
def run(tmp_path: Path) -> Script:
    """As a developer runs it who wants to be told of everything."""
    return Script(tmp_path, "-X", "dev", *STRICT)


@pytest.fixture
def run_plainly(tmp_path: Path) -> Script:
    """Without what the development mode costs."""
    return Script(tmp_path, *STRICT)


ENDINGS = {
    "ends": ("", 0),
    "exits": ("sys.exit(3)", 3),
    "raises": ("raise SystemError('broken on purpose')", 1),
    "is interrupted": ("raise KeyboardInterrupt", 130),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_a_script_emits_is_stored_however_it_ends(run: Script, ending: str) -> None:
    last, code = ENDINGS[ending]
    code = -2 if code == 130 else code
    run(f"emit_many(Telemetry(), 'script')\n{last}", expect=code, errors=None if code not in (0, 3) else "")
    assert [event.data["n"] for event in run.events()] == list(range(500))


def test_a_kit_that_is_forgotten_right_after_an_event_has_stored_it(run: Script) -> None:
    run("""
for number in range(5):
    Telemetry().emit("tick", n=number)
    gc.collect()
join_all()
""")
    assert sorted(event.data["n"] for event in run.events()) == list(range(5))


def test_events_that_other_exit_handlers_emit_are_stored_and_never_raise(run: Script) -> None:
    run("""
telemetry = Telemetry()
atexit.register(emit_many, telemetry, "late", 10)   # Registered before the kit, so called after it.
telemetry.emit("tick", n=0, of="first")
atexit.register(emit_many, telemetry, "early", 10)
""")
    counts = Counter(event.data["of"] for event in run.events())
    assert counts["first"] == 1
    assert counts["early"] == 10
    assert counts["late"] in (0, 10)


def test_a_script_that_has_a_process_for_heavy_jobs_stores_all_where_no_thread_can_be_begun_at_the_end(
    run: Script,
) -> None:
    """Python 3.12 begins none once the interpreter ends."""
    run("""
import asyncio
from telemetrykit.model.export import ExportRequest
from telemetrykit.model.filter import Filter

async def export(telemetry):
    await telemetry.flush()
    request = ExportRequest(source="events", format="csv", filter=Filter(tenant="default"))
    job = await telemetry.exports.create(request, tenant="default")
    await telemetry.jobs.wait(job.id)

def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")

telemetry = Telemetry()
asyncio.run(export(telemetry))
atexit.register(setattr, threading.Thread, "start", refuse)
emit_many(telemetry, "script")
""")
    assert [event.data["n"] for event in run.events()] == list(range(500))


def test_a_kit_that_is_only_made_starts_no_thread_and_makes_no_file(run: Script) -> None:
    run("""
telemetry = Telemetry()
app, wsgi = telemetry.asgi, telemetry.wsgi(lambda environ, start_response: [])
assert threading.enumerate() == [threading.main_thread()]
assert not os.path.exists("data")
""")


def test_five_hundred_kits_cost_less_than_50_mb_and_no_warning(run_plainly: Script) -> None:
    grown = run_plainly("""
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

Telemetry().asgi
before = resident()
kits = [Telemetry() for _ in range(500)]
print(resident() - before)
assert threading.enumerate() == [threading.main_thread()]
""")
    assert int(grown) < 50_000_000


def test_fifty_kits_that_ran_and_were_forgotten_leave_no_thread_and_no_open_file(run: Script) -> None:
    # On a busy machine some are told of that took long to close.
    run(
        """
def files():
    return len(os.listdir("/proc/self/fd"))

before = files()
for number in range(50):
    Telemetry(url="memory:" if number % 2 else f"sqlite:data/{number}.db").emit("tick")
gc.collect()
join_all()
assert files() == before, (before, files())
""",
        errors=None,
    )


def test_parent_and_forked_child_both_store_what_they_emit(run: Script) -> None:
    run("""
import asyncio, multiprocessing

telemetry = Telemetry()

def child(name):
    gc.collect()
    emit_many(telemetry, name)
    asyncio.run(telemetry.flush())
    gc.collect()

emit_many(telemetry, "before")
asyncio.run(telemetry.flush())
fork = multiprocessing.get_context("fork")
children = [fork.Process(target=child, args=(f"child-{number}",)) for number in range(3)]
for process in children:
    process.start()
emit_many(telemetry, "parent")
for process in children:
    process.join(30)
    assert process.exitcode == 0
emit_many(telemetry, "after")
""")
    names = ("before", "parent", "after", "child-0", "child-1", "child-2")
    assert Counter(event.data["of"] for event in run.events()) == dict.fromkeys(names, 500)


def test_what_waits_in_the_parent_when_it_forks_is_stored_by_the_parent_only(run: Script) -> None:
    run("""
telemetry = Telemetry()
telemetry.emit("tick", n=0, of="parent")
child = os.fork()
if child == 0:
    telemetry.emit("tick", n=0, of="child")
    sys.exit()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
""")
    assert Counter(event.data["of"] for event in run.events()) == {"parent": 1, "child": 1}


def test_children_of_a_parent_that_made_the_kit_and_never_used_it_store_what_they_emit(run: Script) -> None:
    run("""
telemetry = Telemetry()
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        emit_many(telemetry, f"child-{number}")
        sys.exit()
    children.append(pid)
assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
assert threading.enumerate() == [threading.main_thread()]
""")
    assert Counter(event.data["of"] for event in run.events()) == {f"child-{number}": 500 for number in range(4)}


def test_forking_while_threads_emit_deadlocks_neither_side(run: Script) -> None:
    run("""
telemetry = Telemetry()
stop = threading.Event()

def keep_emitting():
    while not stop.is_set():
        telemetry.emit("noise")

def child(number):
    telemetry.emit("tick", n=number, of="child")
    with telemetry:
        pass

threads = [threading.Thread(target=keep_emitting) for _ in range(3)]
for thread in threads:
    thread.start()
for number in range(20):
    pid = os.fork()
    if pid == 0:
        child(number)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
""")
    assert sorted(event.data["n"] for event in run.events()) == list(range(20))


def test_a_child_that_is_forked_within_a_held_kit_runs_on_its_own(run: Script) -> None:
    run("""
with Telemetry() as telemetry:
    emit_many(telemetry, "parent", 10)
    pid = os.fork()
    if pid == 0:
        with telemetry:
            emit_many(telemetry, "child", 10)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    emit_many(telemetry, "parent", 10)
""")
    assert Counter(event.data["of"] for event in run.events()) == {"parent": 20, "child": 10}
