"""What the constructor of the one object of a host, and its Flask extension, say to a mistake."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from telemetrykit import Settings, Telemetry
from telemetrykit.errors import ConfigurationError


@pytest.mark.parametrize("mistaken", ["sqlite://user:hunter2@x.db", {"url": "memory:"}, 5])
def test_anything_else_than_settings_is_refused_in_words(mistaken: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"not {type(mistaken).__name__}: .*Settings\(url=\.\.\.\)") as raised:
        Telemetry(mistaken)
    assert "hunter2" not in str(raised.value)


def test_options_beside_settings_are_refused_and_not_left_out() -> None:
    with pytest.raises(ConfigurationError, match="put tenant into Settings"):
        Telemetry(Settings(url="memory:"), tenant="acme")


def test_options_count_more_than_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRYKIT_URL", "nowhere:")
    monkeypatch.setenv("TELEMETRYKIT_TENANT", "acme")
    for make in (Telemetry, Telemetry.from_env):
        settings = make(url="memory:").settings
        assert (settings.url, settings.tenant) == ("memory:", "acme")


def test_without_flask_the_extension_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['flask'] = None; import telemetrykit.flask"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "telemetrykit.errors.MissingDependency: Flask is not installed. Run: pip install 'telemetrykit[flask]'"
    )
