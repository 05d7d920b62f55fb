from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest

from telemetrykit.contracts.events import EventType
from telemetrykit.errors import DuplicateName, PluginError, UnknownScheme
from telemetrykit.hookspecs import hookimpl
from telemetrykit.model.health import HealthStatus
from telemetrykit.registry import Registry
from telemetrykit.settings import Settings


class OrderTypes:
    """A plugin that declares one event type."""

    def __init__(self, description: str) -> None:
        self._description = description

    @hookimpl
    def register_event_types(self, settings: Settings) -> Iterable[EventType]:
        return [EventType(type="order.paid", description=self._description)]


class Raises:
    @hookimpl
    def register_event_types(self) -> Iterable[EventType]:
        raise RuntimeError("no types today")


class Misspelt:
    @hookimpl
    def register_event_type(self, settings: Settings) -> Iterable[EventType]:
        return []


def registry(
    *explicit: object, builtins: Mapping[str, object] | None = None, settings: Settings | None = None
) -> Registry:
    return Registry(settings or Settings(), builtins=builtins or {}, explicit=explicit)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretend that plugins are installed: name and object, or name and the error of their import."""

    def pretend(**plugins: object) -> None:
        def load(plugin: object) -> object:
            if isinstance(plugin, BaseException):
                raise plugin
            return plugin

        points = [
            SimpleNamespace(
                name=name, dist=SimpleNamespace(name=f"dist-{name}"), load=lambda plugin=plugin: load(plugin)
            )
            for name, plugin in plugins.items()
        ]
        monkeypatch.setattr(metadata, "entry_points", lambda group: points)

    return pretend


def described(found: Registry) -> list[str]:
    return [part.description for part in found.parts("register_event_types")]


def test_an_explicit_part_replaces_an_installed_one_which_replaces_a_built_in_one(install: Any) -> None:
    install(shop=OrderTypes("installed"))
    builtins = {"event-types": OrderTypes("built-in")}
    assert described(registry(builtins=builtins)) == ["installed"]
    found = registry(OrderTypes("explicit"), builtins=builtins)
    assert described(found) == ["explicit"]
    assert found.plugins["event-types"].replaced == ["event_types:order.paid"]


def test_two_installed_plugins_with_a_part_of_one_name_are_an_error_that_names_both(install: Any) -> None:
    install(one=OrderTypes("one"), two=OrderTypes("two"))
    with pytest.raises(DuplicateName, match=r"'two' and 'one'"):
        described(registry())


def test_an_installed_plugin_that_cannot_be_imported_is_a_failure_and_the_others_go_on(install: Any) -> None:
    install(broken=ImportError("no module named shoplib"), shop=OrderTypes("installed"))
    found = registry()
    assert described(found) == ["installed"]
    (failure,) = found.failures
    assert failure.plugin == "broken"
    assert "shoplib" in failure.error
    assert found.health().status is HealthStatus.DEGRADED


def test_failures_are_told_once_each_those_before_the_listener_first(install: Any) -> None:
    install(broken=ImportError("no module named shoplib"))
    found, told = registry(Raises()), []
    found.parts("register_event_types")
    found.tell_failures(lambda failure: told.append(failure.plugin))
    found.tell_failures(lambda failure: told.append("a second listener"))
    assert told == ["broken", "Raises"]
    found.parts("register_event_types")
    found.fail("shop", RuntimeError("no stock"), "its lifespan failed to start")
    assert told == ["broken", "Raises", "shop"]
    assert [failure.plugin for failure in found.failures] == told


def test_what_works_at_a_later_start_is_no_failure_any_more_and_told_again_if_it_fails_again() -> None:
    found, told = registry(), []
    found.tell_failures(lambda failure: told.append(failure.plugin))
    for _ in range(2):
        found.fail("shop", RuntimeError("no stock"), "its lifespan failed to start")
        found.fail("shop", RuntimeError("no till"), "it could not be opened")
        found.settle("shop", "its lifespan failed to start")
        assert [failure.error for failure in found.failures] == ["it could not be opened: RuntimeError: no till"]
    assert told == ["shop", "shop", "shop"]


def test_an_import_that_calls_exit_is_a_failure_too(install: Any) -> None:
    install(quits=SystemExit(1))
    assert registry().failures[0].plugin == "quits"


def test_strict_plugins_raises_instead(install: Any) -> None:
    install(broken=ImportError("no module named shoplib"))
    with pytest.raises(PluginError, match="shoplib"):
        registry(settings=Settings(strict_plugins=True))


def test_a_hook_that_raises_is_a_failure_of_its_plugin_and_the_others_go_on() -> None:
    found = registry(Raises(), OrderTypes("explicit"))
    assert described(found) == ["explicit"]
    assert "no types today" in found.failures[0].error


class Nameless:
    @hookimpl
    def register_event_types(self) -> Iterable[object]:
        return [object()]


def test_a_part_without_a_name_is_an_error_of_an_explicit_plugin_and_a_failure_of_an_installed_one(
    install: Any,
) -> None:
    with pytest.raises(PluginError, match="has no name"):
        described(registry(Nameless()))
    install(nameless=Nameless(), shop=OrderTypes("installed"))
    found = registry()
    assert described(found) == ["installed"]
    assert "has no name" in found.failures[0].error


def test_a_part_that_is_something_else_is_a_failure_of_its_plugin() -> None:
    found = registry(OrderTypes("explicit"))
    assert found.parts("register_event_types", Registry) == []
    assert "is no Registry" in found.failures[0].error


def test_a_misspelt_hook_of_an_explicit_plugin_is_an_error() -> None:
    with pytest.raises(PluginError, match="register_event_type"):
        registry(Misspelt())


def test_a_misspelt_hook_of_an_installed_plugin_is_a_failure(install: Any) -> None:
    install(typo=Misspelt(), shop=OrderTypes("installed"))
    found = registry()
    assert [failure.plugin for failure in found.failures] == ["typo"]
    assert described(found) == ["installed"]


def test_a_disabled_plugin_brings_nothing_and_is_listed_as_disabled(install: Any) -> None:
    install(shop=OrderTypes("installed"))
    found = registry(settings=Settings(disable=("shop",)))
    assert described(found) == []
    assert found.plugins["shop"].disabled


def test_load_plugins_is_an_allow_list_of_installed_plugins(install: Any) -> None:
    install(shop=OrderTypes("installed"), other=Raises())
    found = registry(settings=Settings(load_plugins=("shop",)))
    assert described(found) == ["installed"]
    assert "other" not in found.plugins


@pytest.mark.parametrize("scheme", ["postgresql", "redis"])
def test_of_an_unknown_scheme_it_is_said_which_are_known_and_the_password_is_hidden(scheme: str) -> None:
    with pytest.raises(UnknownScheme, match=rf"No plugin .*'{scheme}://db'\. .*itself knows sqlite:") as raised:
        registry().make_store(f"{scheme}://user:hunter2@db/telemetry")
    assert "hunter2" not in str(raised.value)
    assert "pip install" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "meant"),
    [("sqllite:x.db", "sqlite:"), ("postgres://db", "postgresql:"), ("SQLITE:x.db", "sqlite:"), ("mem:", "memory:")],
)
def test_a_scheme_that_is_nearly_right_is_put_right(url: str, meant: str) -> None:
    with pytest.raises(UnknownScheme, match=rf"Did you mean {meant}\?"):
        registry().make_store(url)


@pytest.mark.parametrize("url", ["foo", "/var/lib/shop.db", ":foo"])
def test_a_url_without_a_scheme_is_told_that(url: str) -> None:
    with pytest.raises(UnknownScheme, match=r"URL of the store has no scheme.*sqlite:PATH"):
        registry().make_store(url)


def test_where_the_store_has_a_scheme_without_a_bus_the_error_names_the_setting_that_helps() -> None:
    with pytest.raises(UnknownScheme, match=r"make a bus from 'shelf:'.*set bus=memory:"):
        registry(settings=Settings(store="shelf:")).make_bus("shelf:")
    with pytest.raises(UnknownScheme, match=r"make a bus from 'drum:'.*sqlite:PATH and memory:"):
        registry(settings=Settings(bus="drum:")).make_bus("drum:")


class Makes:
    """A plugin whose hook makes what it is told to, or raises it."""

    def __init__(self, made: object) -> None:
        self._made = made

    @hookimpl
    def make_store(self, url: str) -> Any:
        if isinstance(self._made, BaseException):
            raise self._made
        return self._made

    @hookimpl
    def make_policy(self) -> Any:
        return self.make_store("")


@pytest.mark.parametrize("error", [RuntimeError("no journal"), SystemExit(3)])
def test_a_plugin_that_fails_to_make_a_store_is_a_failure_and_the_next_is_asked(
    install: Any, error: BaseException
) -> None:
    store = object()
    install(broken=Makes(error))
    found = registry(builtins={"store": Makes(store)})
    assert found.make_store("memory:") is store
    assert [failure.plugin for failure in found.failures] == ["broken"]


def test_a_plugin_that_fails_to_make_the_policy_stops_the_host_for_another_might_allow_more(install: Any) -> None:
    install(strict=Makes(RuntimeError("no rules")))
    with pytest.raises(PluginError, match="no rules"):
        registry(builtins={"auth-roles": Makes(object())}).make_policy()


class Quits:
    @hookimpl
    def register_event_types(self) -> Iterable[EventType]:
        raise SystemExit(1)


def test_a_hook_that_calls_exit_is_a_failure_of_its_plugin() -> None:
    found = registry(Quits(), OrderTypes("explicit"))
    assert described(found) == ["explicit"]
    assert found.failures


def test_trace_plugins_prints_every_hook_call_and_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    found = registry(OrderTypes("explicit"), Makes(object()), settings=Settings(trace_plugins=True))
    described(found)
    found.make_store("memory://user:hunter2@x")
    printed = capsys.readouterr().err
    assert "OrderTypes: register_event_types" in printed
    assert "Makes: make_store" in printed
    assert "hunter2" not in printed
