"""What every artifact store must do. Subclass :class:`ArtifactConformance` and give it one fixture, ``artifacts``: an
opened store, closed afterwards."""

from __future__ import annotations

import hashlib
from itertools import product

import pytest

from ...contracts.artifacts import ArtifactStore
from ...errors import NotFound
from ...model.artifact import Artifact
from .base import Conformance

KEY = "acme/0199d1f2-7a31-7c4e-8000-2a1f6c3b9d10/1.csv"
TEXT = b"time,type\r\n"


async def put(artifacts: ArtifactStore, key: str, content: bytes) -> Artifact:
    async with artifacts.open_writer(key, "text/csv") as writer:
        writer.file.write(content)
        return await writer.commit()


async def content(artifacts: ArtifactStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in artifacts.read(key, start, end)])


async def break_off(artifacts: ArtifactStore) -> None:
    async with artifacts.open_writer(KEY, "text/csv") as writer:
        writer.file.write(TEXT)
        raise RuntimeError("broken")


async def break_off_quietly(artifacts: ArtifactStore) -> None:
    async with artifacts.open_writer("never/1.csv", "text/csv") as writer:
        writer.file.write(TEXT)


class ArtifactConformance(Conformance):
    """The contract of an artifact store."""

    async def test_what_was_committed_is_there_whole(self, artifacts: ArtifactStore) -> None:
        made = await put(artifacts, KEY, TEXT * 50_000)
        assert await content(artifacts, KEY) == TEXT * 50_000
        assert await artifacts.stat(KEY) == made
        assert (made.key, made.media_type, made.size) == (KEY, "text/csv", 11 * 50_000)
        assert made.sha256 == hashlib.sha256(TEXT * 50_000).hexdigest()

    async def test_pieces_are_of_256_kib_at_most(self, artifacts: ArtifactStore) -> None:
        await put(artifacts, KEY, TEXT * 50_000)
        pieces = [len(piece) async for piece in artifacts.read(KEY)]
        assert max(pieces) <= 256 * 1024
        assert min(pieces) > 0

    async def test_a_part_is_the_part_that_was_asked_for(self, artifacts: ArtifactStore) -> None:
        text = b"0123456789"
        await put(artifacts, KEY, text)
        beyond = len(text) + 2
        for start, end in product(range(beyond), (None, *range(beyond))):
            expected = text[start:end] if end is None or end > start else b""
            assert await content(artifacts, KEY, start, end) == expected, (start, end)

    async def test_an_empty_file_is_a_file(self, artifacts: ArtifactStore) -> None:
        assert (await put(artifacts, KEY, b"")).size == 0
        assert await content(artifacts, KEY) == b""

    async def test_a_writer_may_move_back_and_read(self, artifacts: ArtifactStore) -> None:
        async with artifacts.open_writer(KEY, "text/csv") as writer:
            writer.file.write(b"0000rest")
            writer.file.seek(0)
            writer.file.write(b"size")
            writer.file.seek(4)
            assert writer.file.read() == b"rest"
            await writer.commit()
        assert await content(artifacts, KEY) == b"sizerest"

    async def test_nothing_is_there_before_the_commit_and_nothing_without_it(self, artifacts: ArtifactStore) -> None:
        async with artifacts.open_writer(KEY, "text/csv") as writer:
            writer.file.write(TEXT)
            assert await artifacts.stat(KEY) is None
        assert await artifacts.stat(KEY) is None
        with pytest.raises(RuntimeError, match="broken"):
            await break_off(artifacts)
        assert await artifacts.stat(KEY) is None
        with pytest.raises(NotFound):
            await content(artifacts, KEY)

    async def test_a_second_commit_replaces_the_file_and_an_unfinished_one_does_not(
        self, artifacts: ArtifactStore
    ) -> None:
        await put(artifacts, KEY, b"first")
        async with artifacts.open_writer(KEY, "text/csv") as writer:
            writer.file.write(b"half")
        assert await content(artifacts, KEY) == b"first"
        await put(artifacts, KEY, b"second")
        assert await content(artifacts, KEY) == b"second"

    async def test_two_writers_of_one_key_do_not_mix(self, artifacts: ArtifactStore) -> None:
        async with (
            artifacts.open_writer(KEY, "text/csv") as one,
            artifacts.open_writer(KEY, "text/csv") as two,
        ):
            one.file.write(b"one")
            two.file.write(b"two")
            await two.commit()
            await one.commit()
        assert await content(artifacts, KEY) == b"one"

    async def test_a_deleted_file_is_gone_and_its_neighbours_are_not(self, artifacts: ArtifactStore) -> None:
        other = KEY.replace("1.csv", "2.csv")
        await put(artifacts, KEY, TEXT)
        await put(artifacts, other, TEXT)
        assert await artifacts.delete(KEY)
        assert not await artifacts.delete(KEY)
        assert await artifacts.stat(KEY) is None
        assert await content(artifacts, other) == TEXT

    @pytest.mark.parametrize(
        "key", ["", "/etc/passwd", "../up", "a/../b", "a//b", "a/.", "a\\b", "a b", "ü", "a/" * 9 + "b", "x" * 200]
    )
    async def test_a_key_of_another_form_is_refused(self, artifacts: ArtifactStore, key: str) -> None:
        with pytest.raises(ValueError, match="no key"):
            await put(artifacts, key, TEXT)
        with pytest.raises(ValueError, match="no key"):
            await artifacts.stat(key)
        with pytest.raises(ValueError, match="no key"):
            await artifacts.delete(key)
        with pytest.raises(ValueError, match="no key"):
            await content(artifacts, key)

    async def test_the_health_says_how_much_there_is(self, artifacts: ArtifactStore) -> None:
        await put(artifacts, KEY, TEXT)
        gauges = (await artifacts.ping()).gauges
        assert (gauges["artifacts.files"], gauges["artifacts.bytes"]) == (1, len(TEXT))

    async def test_the_list_holds_every_file_with_its_age_and_no_other(self, artifacts: ArtifactStore) -> None:
        keys = [KEY, KEY.replace("1.csv", "2.xlsx.gz"), "other/1.csv", "top"]
        made = [await put(artifacts, key, key.encode()) for key in keys]
        await put(artifacts, "gone/1.csv", TEXT)
        await artifacts.delete("gone/1.csv")
        await break_off_quietly(artifacts)
        listed = [found async for found in artifacts.list()]
        assert sorted(listed, key=lambda one: one.key) == sorted(made, key=lambda one: one.key)
        assert all(one.created_at > 0 for one in listed)

    async def test_files_may_be_deleted_while_they_are_listed(self, artifacts: ArtifactStore) -> None:
        for number in range(300):
            await put(artifacts, f"acme/job/{number}.csv", TEXT)
        listed = 0
        async for found in artifacts.list():
            listed += await artifacts.delete(found.key)
        assert listed == 300
        assert [found async for found in artifacts.list()] == []

    async def test_to_tidy_up_disturbs_no_writer_and_no_file(self, artifacts: ArtifactStore) -> None:
        await put(artifacts, KEY, TEXT)
        async with artifacts.open_writer("other", "text/csv") as writer:
            writer.file.write(TEXT)
            await artifacts.tidy()
            await writer.commit()
        assert await content(artifacts, KEY) == await content(artifacts, "other") == TEXT
