"""The documentation is whole, says nothing that is not so, and what it tells people to do works."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pluggy
import pytest

import telemetrykit
from telemetrykit import Settings, Telemetry, errors, hookspecs
from telemetrykit.builtin_plugins import load_builtins
from telemetrykit.cli.group import SHIPPED
from telemetrykit.contracts.events import EventType
from telemetrykit.model.principal import ROLES
from telemetrykit.registry import Registry
from telemetrykit.stream.messages import CLIENT_MESSAGES, SERVER_MESSAGES, SSE_EVENTS

from .documentation import tables
from .documentation.pages import ROOT, Page, all_pages, page
from .documentation.walk import Walk

PAGES = all_pages()
REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.md"))
QUESTION = re.compile(r"^# .+\n\n\*Answers: .+?\*\n", re.DOTALL)
HOOKS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "telemetrykit_spec")}
#: The five parts of the page of a hook, after its heading.
HOOK_PARTS = ("**Arguments.**", "**Return.**", "```python", "**Implementations.**")
OWN_TYPES: list[EventType] = Registry(Settings(load_plugins=()), builtins=load_builtins()).parts("register_event_types")
ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TelemetryError)]
SETTING = re.compile(r"TELEMETRYKIT_([A-Z_0-9]+)")
#: Variables that are no settings.
OTHER_VARIABLES = {"CONFIG", "TEST_REQUIRE"}


def named(pages: list[Page]) -> list[Any]:
    return [pytest.param(one, id=one.name) for one in pages]


def signature(name: str) -> str:
    """``make_store(url, settings)``."""
    arguments, _ = pluggy._hooks.varnames(HOOKS[name])
    return f"{name}({', '.join(arguments)})"


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in; modules and log handlers of the page are gone afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    root = logging.getLogger()
    handlers, level, modules = list(root.handlers), root.level, set(sys.modules)
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.mark.parametrize("one", named(PAGES))
def test_what_a_page_tells_its_reader_to_do_works(one: Page, workshop: Path) -> None:
    with Walk(one, workshop) as walk:
        walk.run()


@pytest.mark.parametrize("one", named(PAGES))
def test_a_page_says_in_words_which_file_a_block_goes_into(one: Page) -> None:
    """Where pages are read, the title of a block is not shown."""
    before = {block.title: one.text.splitlines()[: block.line] for block in reversed(one.blocks) if block.title}
    assert [title for title, lines in before.items() if f"`{title}`" not in "\n".join(lines)] == []


@pytest.mark.parametrize("one", named(PAGES))
def test_links_inside_the_documentation_lead_somewhere(one: Page) -> None:
    broken = []
    for link in one.links:
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (one.path.parent / path).resolve() if path else one.path
        if not target.exists() or (anchor and anchor not in Page(target).anchors):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("one", named([one for one in PAGES if one.path.parent.name in ("howto", "explanation")]))
def test_a_page_says_at_its_top_which_question_it_answers(one: Page) -> None:
    assert QUESTION.match(one.text)


def test_every_page_can_be_reached_from_the_index() -> None:
    index = page("index.md")
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links if "://" not in link}
    assert {one.path for one in PAGES if one.path.name not in ("README.md", "index.md")} <= linked


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.name)
def test_the_tables_that_are_made_from_the_code_are_fresh(path: Path) -> None:
    assert path.read_text("utf-8") == tables.made(path), "run: python tests/documentation/tables.py"


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_is_documented_in_five_parts(name: str) -> None:
    section = page("reference/hooks.md").section(signature(name))
    assert [part for part in HOOK_PARTS if part not in section] == []


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_has_a_test(name: str) -> None:
    tests = (ROOT / "tests/unit/test_hooks.py").read_text("utf-8")
    assert f"def test_hook_{name}(" in tests


def test_no_page_names_a_hook_that_does_not_exist() -> None:
    there = re.compile(r"(?<!#)\b(register_[a-z_]+|make_[a-z]+)\b")
    known = {*HOOKS, "make_telemetry"}
    assert {name for one in PAGES for name in there.findall(one.text)} - known == set()


def test_every_setting_is_documented_and_no_page_names_another() -> None:
    known = {option.name for option in fields(Settings)}
    assert {name for name in known if f"`{name}`" not in page("reference/settings.md").text} == set()
    used = {name.lower() for one in PAGES for name in SETTING.findall(one.text) if name not in OTHER_VARIABLES}
    assert {name.rstrip("_") for name in used if name.rstrip("_")} - known == set()


@pytest.mark.parametrize("declared", OWN_TYPES, ids=lambda declared: declared.type)
def test_every_event_type_of_the_kit_is_documented_with_its_fields_and_an_example(declared: EventType) -> None:
    assert declared.schema is not None
    section = page("reference/events.md").section(f"`{declared.type}`")
    assert declared.description.rstrip(".") in section
    assert [name for name in declared.schema["properties"] if f"`{name}`" not in section] == []
    example = json.loads(section.partition("```json\n")[2].partition("```")[0])
    assert example["type"] == declared.type
    jsonschema.validate(example["data"], declared.schema)
    assert [name for name in example["data"] if f"`{name}`" not in section] == []


def test_every_permission_is_documented() -> None:
    text = page("reference/permissions.md").text
    assert [name for name in set().union(*ROLES.values()) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", list(SHIPPED))
def test_every_command_is_documented(name: str) -> None:
    assert page("reference/cli.md").section(f"telemetrykit {name}")


def test_no_page_names_a_command_that_does_not_exist() -> None:
    named = {name for one in PAGES for name in re.findall(r"[`$] ?telemetrykit ([a-z]+)", one.text)}
    assert named - set(SHIPPED) == set()


def test_no_page_names_an_address_that_does_not_exist() -> None:
    paths = [name.split(" ")[1] for name in tables.operations()]
    beginnings = {path.partition("{")[0].rstrip("/") for path in paths}
    whole = re.compile("|".join(re.sub(r"{\w+}", "[^/]+", path) for path in paths))
    named = {f"/{path.strip('/')}" for one in PAGES for path in re.findall(r"/?api/v1/[a-z/-]+", one.text)}
    assert {path for path in named - beginnings if whole.fullmatch(path) is None} == set()


def test_every_endpoint_is_documented_and_no_other() -> None:
    documented = {
        heading for heading in page("reference/http.md").headings if re.match("(GET|POST|PUT|DELETE) ", heading)
    }
    assert documented == set(tables.operations())


@pytest.mark.parametrize(
    ("group", "messages"),
    [
        ("Server-Sent Events", SSE_EVENTS),
        ("What the client sends", CLIENT_MESSAGES),
        ("What the server sends", SERVER_MESSAGES),
    ],
)
def test_every_message_of_the_streams_is_documented_with_its_members(group: str, messages: Any) -> None:
    wire = page("reference/events.md").section("On the wire")
    section = page("reference/stream.md").section(group)
    rows = {match[1]: match[2] for match in re.finditer(r"^\| `([a-z-]+)` \| (.+) \|$", section, re.MULTILINE)}
    assert set(rows) == set(messages)
    for name, schema in messages.items():
        members = set(schema.get("properties", {})) - {"type"}
        described = wire if name == "telemetry" else rows[name]
        assert {member for member in members if f"`{member}`" not in described} == set(), name


def test_every_error_is_documented() -> None:
    section = page("reference/api.md").section("Errors")
    assert [kind.__name__ for kind in ERRORS if kind.__name__ not in section] == []


def test_every_public_name_is_documented() -> None:
    text = page("reference/api.md").text
    methods = [name for name in vars(Telemetry) if not name.startswith("_")]
    assert [name for name in [*telemetrykit.__all__, *methods] if not re.search(rf"[`.]{name}\b", text)] == []


def test_every_built_in_plugin_is_documented() -> None:
    text = page("reference/hooks.md").text
    assert [name for name in load_builtins() if f"`{name}`" not in text] == []
