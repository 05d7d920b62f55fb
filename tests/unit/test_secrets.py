"""The keys that sign: given, or made at first use and kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from telemetrykit.errors import BackendUnavailable, ConfigurationError
from telemetrykit.model.health import Health, HealthStatus
from telemetrykit.runtime.secrets import SecretKeys
from telemetrykit.runtime.signing import Signer


def test_a_key_is_made_at_first_use_for_this_user_only_and_found_again(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret"
    keys = SecretKeys((), file)
    assert (keys.health(), file.exists()) == (Health(), False)
    assert list(keys) == [*SecretKeys((), file)] == [file.read_text()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_key_that_is_too_short_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="shorter than 32"):
        SecretKeys(["k"], None)


def test_a_key_that_cannot_be_made_is_a_backend_that_is_away_until_it_can(tmp_path: Path) -> None:
    in_the_way = tmp_path / "data"
    in_the_way.write_text("no folder")
    keys = SecretKeys((), in_the_way / "secret")
    assert keys.health() == Health(), "nobody has asked for it yet"
    for _ in range(2):
        with pytest.raises(BackendUnavailable, match=r"secret can neither .*TELEMETRYKIT_SECRET_KEYS"):
            Signer(keys, "ticket").sign({})
        health = keys.health()
        assert (health.status, "Make the folder writable" in health.issues[0]) == (HealthStatus.DEGRADED, True)
    in_the_way.unlink()
    assert keys.health() == Health()
    assert len(keys) == 1


@pytest.mark.parametrize("content", [b"", b"tiny", b"\xff" * 40])
def test_a_damaged_key_file_is_named_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    keys = SecretKeys((), file)
    with pytest.raises(BackendUnavailable, match=r"damaged\. Delete the file"):
        len(keys)
    assert keys.health().status is HealthStatus.DEGRADED
    assert file.read_bytes() == content
