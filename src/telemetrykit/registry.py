"""Finds plugins and collects the parts that they bring, once."""

from __future__ import annotations

import difflib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from typing import Any, Literal

import pluggy

from . import hookspecs
from .contracts.artifacts import ArtifactStore
from .contracts.bus import Bus
from .contracts.context import Context
from .contracts.queue import Queue
from .contracts.storage import Store
from .contracts.web import Policy
from .errors import ConfigurationError, DuplicateName, PluginError, UnknownScheme
from .model.health import Health
from .runtime.guard import describe
from .settings import Settings, safe_url

logger = logging.getLogger("telemetrykit.registry")

MakeLifespan = Callable[[], AbstractAsyncContextManager[Any]]
Origin = Literal["built-in", "installed", "explicit"]

#: Schemes under which backends are known, whether a plugin here brings them or not: what a slip of the pen is held
#: against.
_SCHEMES = ("memory", "postgresql", "redis", "rediss", "sqlite")
_BUILT_IN = "telemetrykit itself knows sqlite:PATH and memory:, installed plugins may know more."
#: What to do if the URL of the store was taken for the bus, since none was set, and is that of a store only.
_OTHER_BUS = (
    "No setting names a bus, so the URL of the store was taken: set bus=memory: (TELEMETRYKIT_BUS), with which several "
    "processes see each other's events a second later, or the bus of a plugin."
)
_RANK: Mapping[Origin, int] = {"built-in": 0, "installed": 1, "explicit": 2}


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be used, and why."""

    plugin: str
    error: str


@dataclass(slots=True)
class PluginInfo:
    """One plugin as the plugins page shows it."""

    name: str
    origin: Origin
    distribution: str | None = None
    disabled: bool = False
    hooks: Sequence[str] = ()
    #: Parts it brings, as ``kind:name``.
    parts: list[str] = field(default_factory=list)
    #: Parts of it that another plugin's part of that name has replaced.
    replaced: list[str] = field(default_factory=list)


class Registry:
    """Every plugin of one Telemetry. Later registered wins: explicit, then installed, then built-in."""

    def __init__(self, settings: Settings, *, builtins: Mapping[str, object], explicit: Sequence[object] = ()) -> None:
        self._settings = settings
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.plugins: dict[str, PluginInfo] = {}
        #: Those that the host gave by hand.
        self.explicit = explicit
        #: The latest failure of each kind: of a plugin, in something that it did.
        self._failures: dict[tuple[str, str], PluginFailure] = {}
        self._tell: Callable[[PluginFailure], None] | None = None
        for name in settings.disable:
            self._manager.set_blocked(name)
        for name, plugin in builtins.items():
            self._register(plugin, name, "built-in")
        self._load_installed()
        for plugin in explicit:
            self._register(plugin, _name_of(plugin), "explicit")
        self._check_hooks()

    def parts(self, hook: str, contract: type[Any] = object) -> list[Any]:
        """All parts that a ``register_*`` hook brings, explicit ones first; a name occurs once.

        A part that does not fit ``contract`` is a failure of its plugin. Raises DuplicateName if two installed
        plugins bring one name.
        """
        chosen: dict[str, tuple[PluginInfo, Any]] = {}
        for info, part in self._collect(hook):
            if not isinstance(part, contract):
                error = TypeError(f"{part!r} is no {contract.__name__}: see docs/reference/hooks.md")
                self.fail(info.name, error, f"its hook {hook} gave something else")
                continue
            name = part_name(part)
            earlier = chosen.get(name)
            label = f"{hook.removeprefix('register_')}:{name}"
            info.parts.append(label)
            if earlier is None:
                chosen[name] = (info, part)
            elif _RANK[earlier[0].origin] > _RANK[info.origin]:
                info.replaced.append(label)
            else:
                raise DuplicateName(
                    f"Plugins {earlier[0].name!r} and {info.name!r} both bring {label!r}. "
                    f"Disable one: TELEMETRYKIT_DISABLE={info.name}"
                )
        return [part for _, part in chosen.values()]

    @property
    def failures(self) -> list[PluginFailure]:
        """Plugins that could not be used."""
        return list(self._failures.values())

    def tell_failures(self, tell: Callable[[PluginFailure], None]) -> None:
        """From now on tell of failures, those that there were first; each kind is told once. Later calls are no-ops."""
        if self._tell is None:
            self._tell = tell
            for failure in self.failures:
                tell(failure)

    def health(self) -> Health:
        """Degraded while a plugin could not be used."""
        return (
            Health()
            if not self.failures
            else Health.degraded(*(f"plugin {f.plugin}: {f.error}" for f in self.failures))
        )

    def make_store(self, url: str) -> Store:
        """The store for a URL; UnknownScheme says which schemes there are."""
        store: Store = self._make("make_store", url)
        return store

    def make_bus(self, url: str) -> Bus:
        """The bus for a URL; UnknownScheme says which schemes there are, or which other bus would do."""
        bus: Bus = self._make("make_bus", url, "" if self._settings.bus else _OTHER_BUS)
        return bus

    def make_queue(self, url: str) -> Queue:
        """The job queue for a URL; UnknownScheme says which package would bring it."""
        queue: Queue = self._make("make_queue", url)
        return queue

    def make_artifacts(self, url: str) -> ArtifactStore:
        """The store of exported files for a URL; UnknownScheme says which schemes there are."""
        artifacts: ArtifactStore = self._make("make_artifacts", url)
        return artifacts

    def make_policy(self) -> Policy:
        """The policy of the plugin that was registered last.

        Raises PluginError if making it fails: going on with another one might allow more than was meant.
        """
        policy: Policy | None = self._first("make_policy", self._fatal)
        if policy is None:
            raise ConfigurationError("There is no policy: `auth-roles` is disabled, and no plugin brings another one.")
        return policy

    def lifespans(self, context: Context) -> Iterator[tuple[str, MakeLifespan]]:
        """The plugins that have a lifespan, in the order of registration, with the function that makes it."""
        for impl in self._manager.hook.lifespan.get_hookimpls():
            yield impl.plugin_name, partial(self._call, impl, context=context)

    def _collect(self, hook: str) -> Iterator[tuple[PluginInfo, Any]]:
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            info = self.plugins[impl.plugin_name]
            try:
                parts = self._call(impl, settings=self._settings) or ()
                for part in parts:
                    part_name(part)
                    yield info, part
            except PluginError as error:
                if info.origin != "installed":
                    raise
                self.fail(info.name, error, f"its hook {hook} gave a part without a name")
            except ConfigurationError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                self.fail(info.name, error, f"its hook {hook} raised")

    def _make(self, hook: str, url: str, cure: str = "") -> Any:
        made = self._first(hook, self.fail, url=url)
        if made is not None:
            return made
        what = hook.removeprefix("make_")
        scheme, colon, _ = url.partition(":")
        if not colon or not scheme:
            raise UnknownScheme(f"The URL of the {what} has no scheme. {_BUILT_IN}")
        raise UnknownScheme(f"No plugin here can make a {what} from {safe_url(url)!r}. {cure or _cure(scheme)}")

    def _first(self, hook: str, failed: Callable[[str, BaseException, str], None], **known: Any) -> Any:
        """The first answer of a hook, asked of the plugin that was registered last first.

        Not pluggy's own ``firstresult``, for which one plugin that raises ends the search.
        """
        for impl in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            try:
                made = self._call(impl, settings=self._settings, **known)
            except ConfigurationError:
                raise
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything
                failed(impl.plugin_name, error, f"its hook {hook} raised")
                continue
            if made is not None:
                return made
        return None

    def _fatal(self, name: str, error: BaseException, what: str) -> None:
        raise PluginError(f"Plugin {name!r}: {what}: {describe(error)}") from error

    def _load_installed(self) -> None:
        allowed = self._settings.load_plugins
        points = sorted(metadata.entry_points(group=hookspecs.PROJECT), key=lambda point: point.name)
        for point in points:
            if allowed is not None and point.name not in allowed:
                continue
            distribution = point.dist.name if point.dist else None
            try:
                plugin = point.load()
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                self.fail(point.name, error, "it could not be imported")
                continue
            self._register(plugin, point.name, "installed", distribution)

    def _register(self, plugin: object, name: str, origin: Origin, distribution: str | None = None) -> None:
        info = PluginInfo(name, origin, distribution)
        if self._manager.is_blocked(name):
            info.disabled = True
            self.plugins[name] = info
            return
        try:
            self._manager.register(plugin, name)
        except (pluggy.PluginValidationError, ValueError) as error:
            if origin != "installed":
                raise PluginError(f"Plugin {name!r} cannot be registered: {error}") from None
            self.fail(name, error, "it could not be registered")
            return
        info.hooks = sorted(caller.name for caller in self._manager.get_hookcallers(plugin) or ())
        self.plugins[name] = info

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            name = self._manager.get_name(error.plugin) or "?"
            if self.plugins[name].origin == "explicit" or self._settings.strict_plugins:
                raise PluginError(f"Plugin {name!r} implements a hook that does not exist: {error}") from None
            self._manager.unregister(error.plugin)
            del self.plugins[name]
            self.fail(name, error, "it implements a hook that does not exist")
            self._check_hooks()

    def fail(self, name: str, error: BaseException, what: str) -> None:
        """Note that a plugin could not be used; with ``strict_plugins`` raises PluginError instead."""
        text = f"{what}: {describe(error)}"
        if self._settings.strict_plugins:
            raise PluginError(f"Plugin {name!r}: {text}") from error
        logger.warning("plugin %s is not used: %s", name, text, extra={"action": "plugin.failed", "plugin": name})
        failure, is_new = PluginFailure(name, text), (name, what) not in self._failures
        self._failures[name, what] = failure
        if is_new and self._tell is not None:
            self._tell(failure)

    def settle(self, name: str, what: str) -> None:
        """Note that what failed before, in the words of :meth:`fail`, has worked now."""
        self._failures.pop((name, what), None)

    def _call(self, impl: Any, **given: Any) -> Any:
        """Call one implementation with the arguments that it asks for."""
        if self._settings.trace_plugins:
            # Without the arguments: a URL may hold a password.
            sys.stderr.write(f"telemetrykit: {impl.plugin_name}: {impl.function.__name__}\n")
        return impl.function(*(given[name] for name in impl.argnames))


def _cure(scheme: str) -> str:
    close = difflib.get_close_matches(scheme.lower(), _SCHEMES, n=1)
    meant = f"Did you mean {close[0]}:? " if close and close[0] != scheme else ""
    return meant + _BUILT_IN


def part_name(part: Any) -> str:
    """The name under which a part replaces another; PluginError for one without."""
    name = getattr(part, "name", None) or getattr(part, "type", None)
    if not isinstance(name, str):
        raise PluginError(f"{part!r} has no name: give it an attribute `name`.")
    return name


def _name_of(plugin: object) -> str:
    return str(getattr(plugin, "__name__", None) or type(plugin).__name__)
