"""What is installed here, and the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from ...registry import Registry
from ...runtime.clock import Clock
from .finding import Findings, fail, ok, warn

#: The modules that tell whether an extra is installed.
EXTRAS: Mapping[str, Sequence[str]] = {
    "cli": ("click", "rich"),
    "demo": ("fastapi", "uvicorn", "httptools", "websockets"),
    "flask": ("a2wsgi", "flask"),
    "jwt": ("jwt",),
    "redis": ("redis",),
    "speed": ("orjson", "jsonschema_rs"),
}
#: Microseconds since the Unix epoch of 1 January 2026; telemetrykit is younger.
_EPOCH = 1_767_225_600_000_000
#: Seconds by which wall clock and monotonic clock may differ while the doctor looks.
_DRIFT = 0.25


def check_extras() -> Findings:
    """Which extras are there. None of them must be."""
    there = [extra for extra, modules in EXTRAS.items() if all(map(find_spec, modules))]
    missing = [extra for extra in EXTRAS if extra not in there]
    detail = f"installed: {', '.join(there) or 'none'}"
    if missing:
        detail += f"; if needed: pip install 'telemetrykit[{','.join(missing)}]'"
    yield ok("extras", detail)


def check_plugins(registry: Registry) -> Findings:
    """Whether every plugin could be used."""
    installed = [info.name for info in registry.plugins.values() if info.origin == "installed"]
    for failure in registry.failures:
        cure = f"Update or remove it, or leave it out with TELEMETRYKIT_DISABLE={failure.plugin}."
        yield fail("plugins", f"{failure.plugin} is not used: {failure.error}", cure)
    yield ok("plugins", f"{len(registry.plugins)} in use, {', '.join(installed) or 'none'} installed")


class ClockWatch:
    """Compares the wall clock with the one that never goes back, from its construction to its check."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now, self._monotonic = clock.now(), clock.monotonic()

    def check(self) -> Findings:
        now = self._clock.now()
        drift = (now - self._now) / 1_000_000 - (self._clock.monotonic() - self._monotonic)
        if now < _EPOCH:
            yield fail("clock", "it stands before the year 2026", "Set the clock of this machine, and let NTP keep it.")
        elif abs(drift) > _DRIFT:
            yield warn(
                "clock", f"it jumped by {drift:+.1f} s just now", "Let NTP slew the clock; do not set it by hand."
            )
        else:
            yield ok("clock", "it runs evenly")
