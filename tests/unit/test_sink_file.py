"""Events as lines of a rotating file."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from telemetrykit.plugins.sinks.file import register_sinks
from telemetrykit.runtime.rotating_file import RotatingFile
from telemetrykit.settings import Settings
from telemetrykit.testing.conformance.sinks import make_events


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def sizes(folder: Path) -> dict[str, int]:
    return {found.name: found.stat().st_size for found in folder.iterdir()}


def test_a_full_file_becomes_the_first_backup_and_the_oldest_goes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, max_bytes=10, backups=2)
    for number in range(5):
        file.append([b"line-%d\n" % number])
    file.close()
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == {
        "log": b"line-4\n",
        "log.1": b"line-3\n",
        "log.2": b"line-2\n",
    }


def test_a_batch_is_split_so_that_no_file_is_too_large(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=20, backups=9)
    file.append([b"12345\n"] * 10)
    file.close()
    assert sorted(len(lines(found)) for found in tmp_path.iterdir()) == [1, 3, 3, 3]


def test_a_line_longer_than_a_file_has_one_of_its_own(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=10, backups=9)
    file.append([b"a\n", b"b" * 50 + b"\n", b"c\n"])
    file.close()
    assert [(tmp_path / name).stat().st_size for name in ("log.2", "log.1", "log")] == [2, 51, 2]


def test_without_backups_a_full_file_starts_anew(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=10, backups=0)
    for number in range(3):
        file.append([b"line-%d\n" % number])
    file.close()
    assert [found.name for found in tmp_path.iterdir()] == ["log"]
    assert lines(tmp_path / "log") == [b"line-2"]


def test_what_was_there_stays_and_is_counted_in(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before\n")
    file = RotatingFile(path, max_bytes=12, backups=1)
    file.append([b"x\n"])
    file.append([b"new\n"])
    file.close()
    assert lines(path) == [b"new"]
    assert lines(tmp_path / "log.1") == [b"before", b"x"]


def test_a_line_that_a_dead_process_left_half_is_ended_first(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b'{"a":1}\n{"half')
    file = RotatingFile(path, max_bytes=1000, backups=1)
    file.append([b"whole\n"])
    file.close()
    assert lines(path) == [b'{"a":1}', b'{"half', b"whole"]


def test_a_file_that_somebody_moved_away_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, max_bytes=1000, backups=1)
    file.append([b"a\n"])
    path.rename(tmp_path / "elsewhere")
    file.append([b"b\n"])
    (tmp_path / "log").unlink()
    file.append([b"c\n"])
    file.close()
    assert lines(path) == [b"c"]
    assert lines(tmp_path / "elsewhere") == [b"a"]


def test_it_can_be_used_again_after_it_was_closed(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=1000, backups=1)
    file.append([b"a\n"])
    file.close()
    file.append([b"b\n"])
    file.close()
    file.close()
    assert lines(tmp_path / "log") == [b"a", b"b"]


def test_only_its_owner_may_read_it_and_its_backups(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "log", max_bytes=2, backups=1)
    file.append([b"a\n", b"b\n"])
    file.close()
    assert {oct(found.stat().st_mode & 0o777) for found in tmp_path.iterdir()} == {"0o600"}


def test_of_a_write_that_breaks_off_no_half_line_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    file = RotatingFile(path, max_bytes=1000, backups=1)
    file.append([b"first\n"])
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 4:
            return write(descriptor, data[:4])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        file.append([b"second\n"])
    monkeypatch.undo()
    assert lines(path) == [b"first"]
    file.append([b"third\n"])
    file.close()
    assert lines(path) == [b"first", b"third"]


@pytest.mark.parametrize("name", ["", "fifo"])
def test_what_is_no_regular_file_is_an_error(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match=r"Is a directory|no regular file"):
        RotatingFile(tmp_path / name, max_bytes=1000, backups=1).append([b"a\n"])


def _append_many(path: Path, name: str) -> None:
    file = RotatingFile(path, max_bytes=2000, backups=1000)
    for number in range(200):
        file.append([f"{name}-{number}\n".encode()] * 3)
    file.close()


def test_processes_that_share_a_file_lose_no_line_and_tear_none(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_append_many, args=(tmp_path / "log", name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    found = sorted(line for path in tmp_path.iterdir() for line in lines(path))
    assert found == sorted(f"{name}-{number}".encode() for name in "abc" for number in range(200) for _ in range(3))
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


@pytest.mark.parametrize("form", ["file:{}", "file://{}", "FILE:{}?max_bytes=1KiB&backups=2"])
async def test_the_forms_of_the_url(tmp_path: Path, form: str) -> None:
    (sink,) = register_sinks(Settings(sinks={"x": form.format(tmp_path / "a%20b.jsonl")}))
    await sink.write(make_events(2))
    await sink.close()
    assert [json.loads(line)["id"] for line in lines(tmp_path / "a b.jsonl")] == ["id-1", "id-2"]


async def test_size_and_backups_are_taken_from_the_url(tmp_path: Path) -> None:
    (sink,) = register_sinks(Settings(sinks={"x": f"file:{tmp_path}/log?max_bytes=1KiB&backups=2"}))
    await sink.write(make_events(100))
    await sink.close()
    assert sizes(tmp_path).keys() == {"log", "log.1", "log.2"}
    assert max(sizes(tmp_path).values()) <= 1024
