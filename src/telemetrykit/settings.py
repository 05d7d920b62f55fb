"""Settings: every one of them, where it may come from, and what is wrong with it."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .model.job import QueueLimits, Rate
from .model.principal import ROLES

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_DEFAULT_SECRETS = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "access_token",
    "refresh_token",
    "client_secret",
    "private_key",
    "session",
    "credit_card",
    "card_number",
    "cvv",
)


def parse_duration(value: str | float) -> float:
    """Seconds of ``5``, ``0.02``, ``"250ms"``, ``"5m"`` or ``"7d"``; ValueError for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value)
    else:
        match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(ms|s|m|h|d)?", str(value).strip())
        if match is None:
            raise ValueError(f'{value!r} is not a duration: write seconds or "5m", "24h", "7d"')
        seconds = float(match[1]) * _UNITS[match[2] or "s"]
    if not 0 <= seconds < 1e10:
        raise ValueError(f"{value!r} is not a duration from 0 to 300 years")
    return seconds


def parse_size(value: str | int) -> int:
    """Bytes of ``1048576``, ``"1 MiB"`` or ``"2GB"``; ValueError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]*)", str(value).strip().lower())
    if isinstance(value, bool) or match is None or match[2] not in _SIZES:
        raise ValueError(f'{value!r} is not a size: write bytes or "1 MiB"')
    return int(float(match[1]) * _SIZES[match[2]])


def _boolean(value: Any) -> bool:
    known = {True: True, False: False, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    key = value.lower() if isinstance(value, str) else value
    if not isinstance(key, (bool, str)) or key not in known:
        raise ValueError(f"{value!r} is neither true nor false")
    return known[key]


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, (list, tuple, set, frozenset)) and all(isinstance(v, str) for v in value):
        return tuple(value)
    raise ValueError(f"{value!r} is not a list of words")


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        value = _json(value) if value.strip() else {}
    if not isinstance(value, Mapping):
        raise ValueError('it is not an object: write JSON such as {"name": "value"}')
    return dict(value)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(value: Any, kind: type[int | float]) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None


def _text(value: Any) -> str:
    if not isinstance(value, (str, Path)):
        raise ValueError(f"{value!r} is not text")
    return str(value)


def _integer(least: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        number = _number(value, int) if not isinstance(value, bool) else -1
        if number < least:
            raise ValueError(f"{value!r} is not an integer of at least {least}")
        return number

    return parse


def _rate(value: Any) -> float:
    rate: float = _number(value, float)
    if not 0 <= rate <= 1:
        raise ValueError(f"{value!r} is not a share from 0 to 1")
    return rate


def _per_second(value: Any) -> float:
    number: float = _number(value, float)
    if not 0 <= number < 1e9:
        raise ValueError(f"{value!r} is not how many a second: write a number from 0")
    return number


def _rates(value: Any) -> dict[str, float]:
    return {str(name): _rate(rate) for name, rate in _mapping(value).items()}


def _role(value: Any) -> str:
    if value not in ROLES:
        raise ValueError(f"{value!r} is none of the roles {', '.join(ROLES)}")
    return str(value)


def _choice(*values: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in values:
            raise ValueError(f"{value!r} is none of {', '.join(values)}")
        return str(value)

    return parse


def _limits(value: Any) -> dict[str, QueueLimits]:
    return {str(queue): _limit(one) for queue, one in _mapping(value).items()}


def _limit(value: Any) -> QueueLimits:
    """Limits as ``{"concurrency": 5, "rate": "10/60s"}``, or a rate alone."""
    if isinstance(value, QueueLimits):
        return value
    given = {"rate": value} if isinstance(value, str) else _mapping(value)
    if unknown := sorted(given.keys() - {"concurrency", "rate"}):
        raise ValueError(f"{unknown[0]!r} is no limit of a queue: there are concurrency and rate")
    concurrency, rate = given.get("concurrency"), given.get("rate")
    return QueueLimits(
        concurrency=None if concurrency is None else _integer(1)(concurrency),
        rate=None if rate is None else _rate_of_jobs(rate),
    )


def _rate_of_jobs(value: Any) -> Rate:
    count, slash, seconds = str(value).partition("/")
    if not (slash and count.strip().isdecimal() and int(count) > 0):
        raise ValueError(f'{value!r} is not a rate: write "10/60s", ten in a minute')
    return Rate(count=int(count), seconds=parse_duration(seconds))


def _mount(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", value):
        raise ValueError(f'{value!r} is not a path such as "/telemetry" (starts with a slash, ends without one)')
    return value


def _option(
    default: Any,
    parse: Callable[[Any], Any],
    help: str,
    *,
    secret: bool = False,
    factory: Callable[[], Any] | None = None,
) -> Any:
    metadata = {"parse": parse, "help": help, "secret": secret}
    return field(default_factory=factory, metadata=metadata) if factory else field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """What a Telemetry is told. Each value may be given in the form of its environment variable, too.

    Raises ConfigurationError that names the setting and says what it takes.
    """

    data_dir: Path = _option(Path(".telemetrykit"), lambda v: Path(_text(v)), "folder for the files of the kit")
    url: str | None = _option(None, _text, "where everything is kept; `sqlite:{data_dir}/telemetry.db` if not given")
    store: str | None = _option(None, _text, "where events are kept; `url` if not given")
    bus: str | None = _option(None, _text, "how processes signal each other; `url`, then `store` if not given")
    queue: str | None = _option(None, _text, "where jobs wait; `url`, then `store` if not given")
    artifacts: str | None = _option(None, _text, "where exports are kept; `file:{data_dir}/artifacts` if not given")
    tenant: str = _option("default", _text, "the tenant of whatever has none")
    anonymous: str | None = _option(None, _role, "role of requests without credentials, on loopback only")
    tokens: Mapping[str, Any] = _option(
        None, _mapping, "static tokens: `{name: {sha256, roles, tenant}}`", secret=True, factory=dict
    )
    jwt_jwks_url: str | None = _option(None, _text, "where the keys are that sign JWTs (https)")
    jwt_audience: str | None = _option(None, _text, "the `aud` that a JWT must carry")
    jwt_issuer: str | None = _option(None, _text, "the `iss` that a JWT must carry")
    jwt_algorithms: tuple[str, ...] = _option(("RS256", "ES256"), _words, "accepted signature algorithms")
    jwt_tenant_claim: str = _option("tenant", _text, "the claim that names the tenant")
    jwt_roles_claim: str = _option("roles", _text, "the claim that lists the roles")
    secret_keys: tuple[str, ...] = _option((), _words, "keys that sign tickets and sessions, newest first", secret=True)
    path: str = _option("/telemetry", _mount, "where the kit is mounted in the host")
    service_name: str | None = _option(None, _text, "name of the host; the title of the app if not given")
    title: str | None = _option(None, _text, "heading of the dashboard; `service_name` if not given")
    sample_rate: float = _option(1.0, _rate, "share of events that are kept")
    sample_rates: Mapping[str, float] = _option(
        None, _rates, "share kept by event type, `{glob: share}`; the first that matches wins", factory=dict
    )
    exclude: tuple[str, ...] = _option((), _words, "paths that are not captured, as globs: `/health,/static/*`")
    groups: Mapping[str, str] = _option(
        None, _mapping, "route names for paths without a route, `{glob: name}`", factory=dict
    )
    attributes: Mapping[str, Any] = _option(
        None, _mapping, 'what every event\'s data says too: `{"deployment.environment.name": "prod"}`', factory=dict
    )
    redact: tuple[str, ...] = _option(_DEFAULT_SECRETS, _words, "names whose values are never stored")
    sinks: Mapping[str, str] = _option(
        None, _mapping, "copies of the stream, `{name: log: | file:PATH | webhook:URL}`", secret=True, factory=dict
    )
    buffer_size: int = _option(20_000, _integer(100), "events that may wait to be stored; more are dropped, counted")
    flush_interval: float = _option(
        0.05, parse_duration, "longest wait before waiting events are stored; 20 ms while somebody watches a stream"
    )
    spool: bool = _option(False, _boolean, "keep batches in `{data_dir}/spool` while the store is away")
    retention_events: float = _option(7 * 86400.0, parse_duration, "how long events are kept")
    max_store_bytes: int = _option(2 * 2**30, parse_size, "size of the store above which the oldest events go")
    min_free: int = _option(2**30, parse_size, "free disk space below which new events are sampled and counted")
    ring_size: int = _option(20_000, _integer(100), "events that live streams share in memory")
    stream_clients: int = _option(1000, _integer(1), "open streams a process admits")
    body_limit: int = _option(2**20, parse_size, "largest request body")
    ingest_rate: float = _option(0.0, _per_second, "requests a second that ingest admits per principal; 0 is no limit")
    worker: str = _option(
        "in-process",
        _choice("in-process", "dedicated", "off"),
        "who does jobs: `in-process` this process, and a child of it the heavy ones; `dedicated` this process all of "
        "them; `off` other processes",
    )
    queues: tuple[str, ...] | None = _option(None, _words, "the only queues whose jobs are done here")
    concurrency: int = _option(5, _integer(1), "jobs that this process does at once")
    queue_limits: Mapping[str, QueueLimits] = _option(
        None,
        _limits,
        'how much of a queue is done at once, and how often: `{queue: {"concurrency": 5, "rate": "10/60s"}}`',
        factory=lambda: {"exports": QueueLimits(concurrency=5, rate=Rate(count=10, seconds=60.0))},
    )
    lease: float = _option(30.0, parse_duration, "how long a job stays with a worker that gives no sign of life")
    artifact_days: float = _option(7.0, float, "days that exported files are kept")
    pdf_font: Path | None = _option(None, lambda v: Path(_text(v)), "a TrueType font for pdf; Noto Sans if not given")
    allow_private_hosts: bool = _option(False, _boolean, "let webhooks call private addresses")
    disable: tuple[str, ...] = _option((), _words, "plugins that are not loaded, such as `sink-log`")
    load_plugins: tuple[str, ...] | None = _option(None, _words, "the only installed plugins that are loaded")
    trace_plugins: bool = _option(False, _boolean, "print every hook call to standard error")
    strict_plugins: bool = _option(False, _boolean, "a plugin that cannot be loaded stops the host")
    require_backends: bool = _option(False, _boolean, "a backend that cannot be reached at start stops the host")

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if value is option.default or (value is None and option.default is None):
                continue
            object.__setattr__(self, option.name, _parsed(option.name, option.metadata["parse"], value))

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, /, **arguments: Any) -> Self:
        """Settings from ``arguments``, then ``TELEMETRYKIT_*`` variables, then ``telemetrykit.toml``, then defaults."""
        environ = os.environ if environ is None else environ
        values = {**_from_file(environ), **_from_environ(environ), **arguments}
        known = [option.name for option in fields(cls)]
        for name in values:
            if name not in known:
                raise ConfigurationError(f"There is no setting {name!r}.{_suggestion(name, known)}")
        return cls(**values)

    @property
    def store_url(self) -> str:
        return self.store or self.url or f"sqlite:{self.data_dir / 'telemetry.db'}"

    @property
    def bus_url(self) -> str:
        return self.bus or self.url or self.store_url

    @property
    def queue_url(self) -> str:
        return self.queue or self.url or self.store_url

    @property
    def artifacts_url(self) -> str:
        if self.artifacts is None and self.store_url.startswith("memory:"):
            return "memory:"
        return self.artifacts or f"file:{self.data_dir / 'artifacts'}"

    def __repr__(self) -> str:
        shown = (f"{option.name}={_shown(option.metadata, getattr(self, option.name))}" for option in fields(self))
        return f"Settings({', '.join(shown)})"


def safe_url(url: str) -> str:
    """Scheme and host of a URL, all that may be shown of it."""
    parts = urlsplit(url)
    host = f"//{parts.hostname}" if parts.hostname else ""
    return f"{parts.scheme}:{host}"


def _shown(metadata: Mapping[str, Any], value: Any) -> str:
    if metadata["secret"] and value:
        return "<hidden>"
    if isinstance(value, str) and re.match(r"[a-z][a-z0-9+.-]*:", value):
        return repr(safe_url(value))
    return repr(value)


def _parsed(name: str, parse: Callable[[Any], Any], value: Any) -> Any:
    try:
        return parse(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ConfigurationError(f"Setting {name!r}: {error}.") from None


def _from_environ(environ: Mapping[str, str]) -> dict[str, str]:
    prefix, own = "TELEMETRYKIT_", {"TELEMETRYKIT_CONFIG"}
    test = "TELEMETRYKIT_TEST_"
    return {
        name.removeprefix(prefix).lower(): value
        for name, value in environ.items()
        if name.startswith(prefix) and name not in own and not name.startswith(test) and value != ""
    }


def _from_file(environ: Mapping[str, str]) -> dict[str, Any]:
    named = environ.get("TELEMETRYKIT_CONFIG")
    path = Path(named or "telemetrykit.toml")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if named:
            raise ConfigurationError(f"TELEMETRYKIT_CONFIG names {named!r}, which does not exist.") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from None


def _suggestion(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
