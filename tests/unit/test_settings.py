from __future__ import annotations

import re
from pathlib import Path

import pytest

from telemetrykit.errors import ConfigurationError
from telemetrykit.settings import Settings, parse_duration, parse_size


def test_the_store_is_a_file_in_the_data_folder_if_no_url_is_given() -> None:
    assert Settings(data_dir="data").store_url == "sqlite:data/telemetry.db"


def test_the_bus_follows_the_store_if_only_the_store_is_given() -> None:
    assert Settings(store="memory:").bus_url == "memory:"


def test_a_value_may_have_the_form_of_its_environment_variable() -> None:
    settings = Settings(retention_events="36h", max_store_bytes="1 GiB", exclude="/health, /static/*", spool="true")
    assert settings.retention_events == 36 * 3600
    assert settings.max_store_bytes == 2**30
    assert settings.exclude == ("/health", "/static/*")
    assert settings.spool is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate", 1.5),
        ("sample_rate", "often"),
        ("ingest_rate", -1),
        ("ingest_rate", "nan"),
        ("buffer_size", 0),
        ("retention_events", "5 fortnights"),
        ("max_store_bytes", "much"),
        ("anonymous", "root"),
        ("path", "telemetry/"),
        ("tokens", "{"),
        ("spool", "perhaps"),
        ("exclude", 7),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_setting(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}'"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("sinks", "log:", 'write JSON such as {"name": "value"}'),
        ("sample_rate", "most", "'most' is not a number"),
        ("buffer_size", "many", "'many' is not a number"),
    ],
)
def test_what_cannot_be_read_at_all_is_told_of_in_words(name: str, value: str, cure: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(cure)):
        Settings.load({f"TELEMETRYKIT_{name.upper()}": value})


def test_an_argument_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kit.toml"
    file.write_text('tenant = "file"\nservice_name = "file"\ntitle = "file"\n')
    environ = {"TELEMETRYKIT_CONFIG": str(file), "TELEMETRYKIT_TENANT": "env", "TELEMETRYKIT_SERVICE_NAME": "env"}
    settings = Settings.load(environ, tenant="argument")
    assert (settings.tenant, settings.service_name, settings.title) == ("argument", "env", "file")


def test_an_unknown_setting_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ConfigurationError, match=r"'retention_event'.*'retention_events'"):
        Settings.load({"TELEMETRYKIT_RETENTION_EVENT": "1d"})


def test_a_named_file_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        Settings.load({"TELEMETRYKIT_CONFIG": "/nowhere/kit.toml"})


def test_secrets_and_the_private_parts_of_urls_are_not_in_the_repr() -> None:
    settings = Settings(
        store="postgresql://user:hunter2@db.example/telemetry?password=hunter3",
        secret_keys=("hunter4" * 8,),
        tokens={"ci": {"sha256": "hunter5"}},
        sinks={"hook": "webhook:https://example.org/hunter6"},
    )
    assert "hunter" not in repr(settings)
    assert "postgresql://db.example" in repr(settings)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Settings().tenant = "other"  # type: ignore[misc]


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("5m", 300), (7, 7), ("1.5h", 5400), ("0", 0)])
def test_durations_are_seconds_or_number_and_unit(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["-1", "5 m 3", "", "inf", "1e400", "nan"])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("1 MiB", 2**20), (512, 512), ("2gb", 2 * 10**9)])
def test_sizes_are_bytes_or_number_and_unit(text: str | int, size: int) -> None:
    assert parse_size(text) == size
