"""Every built-in artifact store keeps the contract."""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable
from telemetrykit.plugins.artifacts.file import FileArtifacts
from telemetrykit.plugins.artifacts.memory import MemoryArtifacts
from telemetrykit.testing.conformance.artifacts import KEY, TEXT, ArtifactConformance, content, put


class TestMemoryArtifacts(ArtifactConformance):
    @pytest.fixture
    def artifacts(self) -> MemoryArtifacts:
        return MemoryArtifacts()


class TestFileArtifacts(ArtifactConformance):
    @pytest.fixture
    async def artifacts(self, tmp_path: Path) -> AsyncIterator[FileArtifacts]:
        artifacts = FileArtifacts(tmp_path / "files")
        await artifacts.open()
        yield artifacts
        await artifacts.close()

    async def test_files_and_folders_are_for_their_owner_alone(self, artifacts: FileArtifacts, tmp_path: Path) -> None:
        await put(artifacts, KEY, TEXT)
        modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "files" / "acme").rglob("*")}
        assert not any(mode & 0o077 for mode in modes)

    async def test_nothing_unfinished_stays(self, artifacts: FileArtifacts, tmp_path: Path) -> None:
        async with artifacts.open_writer(KEY, "text/csv") as writer:
            writer.file.write(TEXT)
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []

    async def test_what_dead_writers_left_goes_when_the_store_is_opened(
        self, artifacts: FileArtifacts, tmp_path: Path
    ) -> None:
        drafts = tmp_path / "files" / ".drafts"
        (drafts / "999999999-abc").write_bytes(TEXT)
        async with artifacts.open_writer(KEY, "text/csv") as writer:
            again = FileArtifacts(tmp_path / "files")
            await again.open()
            await again.close()
            assert len(list(drafts.iterdir())) == 1
            writer.file.write(TEXT)
            await writer.commit()
        assert await content(artifacts, KEY) == TEXT
        assert list(drafts.iterdir()) == []

    async def test_what_dead_writers_left_goes_when_it_is_tidied(
        self, artifacts: FileArtifacts, tmp_path: Path
    ) -> None:
        drafts = tmp_path / "files" / ".drafts"
        (drafts / "abc").write_bytes(TEXT)
        async with artifacts.open_writer(KEY, "text/csv"):
            (drafts / "def").write_bytes(TEXT)
            await artifacts.tidy()
            assert len(list(drafts.iterdir())) == 1
        assert list(drafts.iterdir()) == []

    async def test_a_draft_of_a_dead_writer_goes_while_it_is_locked(
        self, artifacts: FileArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """So a writer that has made one, and locks it only then, sees that it is gone and makes another."""
        locked: list[bool] = []
        unlink = Path.unlink

        def remove(path: Path, missing_ok: bool = False) -> None:
            with path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    locked.append(False)
                except BlockingIOError:
                    locked.append(True)
            unlink(path, missing_ok)

        (tmp_path / "files" / ".drafts" / "abc").write_bytes(TEXT)
        monkeypatch.setattr(Path, "unlink", remove)
        await artifacts.tidy()
        assert locked == [True]

    async def test_a_folder_that_others_use_stays_when_a_file_goes(
        self, artifacts: FileArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process may put a file there, or remove the folder, at any moment."""
        unlink = Path.unlink

        def remove(path: Path, missing_ok: bool = False) -> None:
            unlink(path, missing_ok)
            if path.suffix == ".about":
                path.parent.rmdir()

        await put(artifacts, KEY, TEXT)
        await put(artifacts, "acme/other/1.csv", TEXT)
        monkeypatch.setattr(Path, "unlink", remove)
        assert await artifacts.delete(KEY)
        assert await content(artifacts, "acme/other/1.csv") == TEXT

    async def test_what_a_process_left_of_a_file_when_it_died_is_listed_and_can_be_deleted(
        self, artifacts: FileArtifacts, tmp_path: Path
    ) -> None:
        await put(artifacts, KEY, TEXT)
        (tmp_path / "files" / KEY).unlink()
        assert [found.key async for found in artifacts.list()] == [KEY]
        await artifacts.delete(KEY)
        assert [found.key async for found in artifacts.list()] == []
        assert [path.name for path in (tmp_path / "files").iterdir()] == [".drafts"]

    async def test_what_others_put_into_the_folder_is_not_listed(
        self, artifacts: FileArtifacts, tmp_path: Path
    ) -> None:
        await put(artifacts, KEY, TEXT)
        for name in ("notes.txt", "notes.about", "a b.about", "me.about"):
            (tmp_path / "files" / name).write_text('{"author": "somebody"}' if name == "me.about" else "not JSON")
        assert [found.key async for found in artifacts.list()] == [KEY]

    async def test_deleting_the_last_file_leaves_no_empty_folders(
        self, artifacts: FileArtifacts, tmp_path: Path
    ) -> None:
        await put(artifacts, KEY, TEXT)
        await artifacts.delete(KEY)
        assert [path.name for path in (tmp_path / "files").iterdir()] == [".drafts"]


async def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    artifacts = FileArtifacts(tmp_path / "files")
    with pytest.raises(BackendUnavailable, match=r"cannot be used: (Not a directory|File exists)"):
        await artifacts.open()
    assert (await artifacts.ping()).issues
    await artifacts.close()
