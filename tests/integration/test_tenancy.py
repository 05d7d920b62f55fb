"""Two tenants in one log: whatever is asked, in whichever way, nobody sees anything of the other, or of what is secret.

Every word of an event says whose it is, so an answer that holds a wrong word has crossed the line.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from support.server import Server
from support.sse import EventStream
from support.streams import websocket
from support.waiting import PATIENCE
from websockets.exceptions import ConnectionClosed

TENANTS = ("alpha", "bravo")
TRACES = {"alpha": "a" * 32, "bravo": "b" * 32}
SECRET = "hushed"
#: What every event holds that ends a stream's reading.
LAST = "last"
WHO: dict[str, dict[str, Any]] = {
    "root": {"roles": ["admin"]},
    "alpha-viewer": {"roles": ["viewer"], "tenant": "alpha"},
    "alpha-keeper": {"roles": ["viewer"], "tenant": "alpha", "permissions": ["hushed:read"]},
    "alpha-writer": {"permissions": ["events:write"], "tenant": "alpha"},
    "bravo-viewer": {"roles": ["viewer"], "tenant": "bravo"},
    "bravo-writer": {"permissions": ["events:write"], "tenant": "bravo"},
}
READERS = ("alpha-viewer", "alpha-keeper", "bravo-viewer")
TOKENS = {name: {"sha256": hashlib.sha256(f"{name}-token".encode()).hexdigest(), **who} for name, who in WHO.items()}

readers = st.sampled_from(READERS)
tenants = st.sampled_from(TENANTS)
kinds = st.sampled_from(("plain", "own type", "secret"))
#: Terms that ask for what is the asker's, the other's, or everybody's.
TERMS = (
    *("", "*", "alpha", "bravo", "hushed", "n>=0", "type:*", "type:told.bravo", "type:hushed.*", "subject:alpha*"),
    *(
        "who:bravo",
        "-who:alpha",
        "who:alpha or who:bravo",
        "-(who:alpha)",
        f"trace:{TRACES['bravo']}",
        "tenantid:bravo",
    ),
)
TYPES = ("*", "told.*", "told.alpha", "told.bravo", "hushed.told", "hushed.*", "*.told,told.bravo", "*bravo")
FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "q": st.sampled_from(TERMS),
    "types": st.sampled_from(TYPES),
    "type": st.sampled_from(TYPES),
    "since": st.sampled_from(("-1h", "2020-01-01T00:00:00Z")),
    "until": st.just("2100-01-01T00:00:00Z"),
    "severity": st.sampled_from(("trace", "info", "1", "error")),
}
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "limit": st.integers(1, 100),
    "offset": st.integers(0, 50),
    "cursor": st.sampled_from(("99999999999999999.999999", "0.0", "-1.1")),
    "tenant": st.sampled_from(("alpha", "bravo", "default", "_host", "*", "ALPHA", "bravo ", "", "%2A", "bravo\x00")),
}
#: Plain keys and JSON filters of a subscription.
WANTED = st.sampled_from(
    (
        {},
        {"who": "bravo"},
        {"tenant": "bravo"},
        {"tenantid": "bravo"},
        {"where": {"field": "subject", "op": "exists"}},
        {"where": {"not": {"field": "data.who", "op": "eq", "value": "alpha"}}},
        {
            "where": {
                "or": [{"field": "type", "op": "prefix", "value": "h"}, {"field": "data.n", "op": "gte", "value": 0}]
            }
        },
        {"types": ["hushed.*", "told.*"]},
    )
)


@dataclass
class World:
    """A server, and what was put into its log."""

    server: Server
    #: Tenant and kind of every event by its id.
    events: dict[str, tuple[str, str]] = field(default_factory=dict)

    def client(self, who: str | None = None, **options: Any) -> httpx2.Client:
        return httpx2.Client(base_url=f"{self.server.url}/telemetry", headers=bearer(who), timeout=PATIENCE, **options)

    def event(self, tenant: str, kind: str, last: bool = False) -> dict[str, Any]:
        """A new event of a tenant, noted as stored."""
        number = len(self.events)
        type = {"plain": "told", "own type": f"told.{tenant}", "secret": "hushed.told"}[kind]
        word = f"{tenant}-{SECRET}" if kind == "secret" else tenant
        self.events[f"{word}-{number}"] = (tenant, kind)
        return {
            "id": f"{word}-{number}",
            "type": type,
            "source": f"{word}-source",
            "subject": f"{word}-subject",
            "traceparent": f"00-{TRACES[tenant]}-b7ad6b7169203331-01",
            "data": {"n": number, "who": word, word: [word], LAST: last},
        }

    def emit(self, tenant: str, kind: str, last: bool = False) -> str:
        """Let the host emit an event for a tenant; its id."""
        event = self.event(tenant, kind, last)
        severity = {"severity": "fatal"} if last else {}
        answer = self.server.client.post("/told", json={**event, **severity, "tenant": tenant})
        assert answer.status_code == 200
        return str(event["id"])

    def visible(self, reader: str) -> set[str]:
        """Ids of what a reader may see."""
        return {id for id, (tenant, kind) in self.events.items() if self._may_see(reader, tenant, kind)}

    def _may_see(self, reader: str, tenant: str, kind: str) -> bool:
        return WHO[reader]["tenant"] == tenant and (kind != "secret" or reader == "alpha-keeper")


def bearer(who: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}-token"} if who else {}


def forbidden_words(reader: str | None) -> set[str]:
    """What no answer to a reader may hold; None is somebody without credentials."""
    words = {word for tenant in TENANTS for word in (tenant, TRACES[tenant])} | {SECRET}
    if reader is not None:
        own = str(WHO[reader]["tenant"])
        words -= {own, TRACES[own]} | ({SECRET} if reader == "alpha-keeper" else set())
    return words


def check(reader: str | None, told: str, asked: object) -> None:
    """An answer holds no wrong word that was not in the question."""
    question = str(asked).lower()
    assert [word for word in forbidden_words(reader) if word in told.lower() and word not in question] == []


def check_events(world: World, reader: str, events: list[Mapping[str, Any]]) -> None:
    """All of them are the reader's, and each is there once."""
    ids = Counter(str(event["id"]) for event in events)
    assert set(ids) <= world.visible(reader)
    assert set(ids.values()) <= {1}
    assert {event["tenantid"] for event in events} <= {WHO[reader]["tenant"]}


def live(filter: Mapping[str, Any]) -> dict[str, Any]:
    """The filter, opened for the events that end a stream's reading."""
    opened = dict(filter)
    if opened.get("q"):
        opened["q"] = f"({opened['q']}) or {LAST}:true"
    for name in ("types", "type"):
        if name in opened:
            opened[name] += ",told"
    return opened


class Tenancy(RuleBasedStateMachine):
    """Anybody does anything, in any order."""

    world: World

    @rule(tenant=tenants, kind=kinds)
    def something_happens(self, tenant: str, kind: str) -> None:
        self.world.emit(tenant, kind)

    @rule(tenant=tenants, kind=kinds, claimed=st.sampled_from((None, *TENANTS, "default", "*")))
    def events_are_sent_in(self, tenant: str, kind: str, claimed: str | None) -> None:
        event = {"specversion": "1.0", **self.world.event(tenant, kind)}
        if claimed is not None:
            event["tenantid"] = claimed
        with self.world.client(f"{tenant}-writer") as client:
            answer = client.post(
                "/api/v1/events", json=[event], headers={"Content-Type": "application/cloudevents-batch+json"}
            )
        assert answer.status_code == 202
        accepted = answer.json()["accepted"]
        assert accepted == (1 if claimed in (None, tenant) else 0)
        if not accepted:
            del self.world.events[event["id"]]

    @rule(reader=readers, limit=st.integers(1, 100))
    def a_reader_pages_through_everything(self, reader: str, limit: int) -> None:
        events, cursor = [], None
        with self.world.client(reader) as client:
            while True:
                page = client.get("/api/v1/events", params={"limit": limit, **({"cursor": cursor} if cursor else {})})
                events += page.json()["items"]
                check(reader, page.text, "")
                cursor = page.json()["pagination"]["next_cursor"]
                if cursor is None:
                    break
        check_events(self.world, reader, events)
        assert len(events) == page.json()["pagination"]["total"] == len(self.world.visible(reader))

    @rule(reader=readers, filter=st.fixed_dictionaries({}, optional=FILTERS), limit=st.integers(1, 100))
    def a_reader_searches(self, reader: str, filter: dict[str, Any], limit: int) -> None:
        with self.world.client(reader) as client:
            answer = client.get("/api/v1/events", params={**filter, "limit": limit})
        assert answer.status_code == 200
        check(reader, answer.text, filter)
        check_events(self.world, reader, answer.json()["items"])
        assert answer.json()["pagination"]["total"] <= len(self.world.visible(reader))

    @rule(reader=readers)
    def a_reader_opens_every_event_by_its_cursor(self, reader: str) -> None:
        with self.world.client("root") as root:
            newest = root.get("/api/v1/events", params={"tenant": "*", "limit": 1}).json()["items"]
        last = int(newest[0]["sequence"]) if newest else 0
        with self.world.client(reader) as client:
            answers = [client.get(f"/api/v1/events/{cursor}") for cursor in range(max(last - 10, 0), last + 3)]
        for answer in answers:
            assert answer.status_code in (200, 404)
            check(reader, answer.text, "")
        check_events(self.world, reader, [answer.json() for answer in answers if answer.status_code == 200])
        problems = {(one.json()["title"], one.json()["detail"].split("cursor")[0]) for one in answers if one.is_error}
        assert len(problems) <= 1, "another tenant's event must look like none"

    @rule(reader=st.one_of(readers, st.none()), data=st.data())
    def somebody_asks_any_address_anything(self, reader: str | None, data: st.DataObject) -> None:
        with self.world.client(reader, follow_redirects=False) as client:
            paths = client.get("/openapi.json").json()["paths"]
            path = data.draw(st.sampled_from(sorted(path for path, item in paths.items() if "get" in item)))
            named = {one["name"] for one in paths[path]["get"].get("parameters", ()) if one["in"] == "query"}
            known = {name: values for name, values in {**FILTERS, **OTHERS}.items() if name in named}
            params = data.draw(st.fixed_dictionaries({}, optional=known))
            address = path.replace("{cursor}", str(data.draw(st.integers(0, 60))))
            answer = client.get(address, params=params)
        assert answer.status_code < 500, answer.text
        told = answer.text
        if path in ("/openapi.json", "/api/v1/plugins"):
            # They name what the server was programmed with, to whoever may look at that; not what has happened.
            told = told.replace("hushed.told", "").replace("hushed:read", "")
        check(reader, told, params)

    @rule(reader=readers, name=OTHERS["tenant"], repeated=st.booleans())
    def a_reader_asks_for_another_tenant(self, reader: str, name: str, repeated: bool) -> None:
        own = WHO[reader]["tenant"]
        query = urlencode([("tenant", own)] * repeated + [("tenant", name)])
        with self.world.client(reader) as client:
            for path in ("events", "event-types", "events/1"):
                answer = client.get(f"/api/v1/{path}?{query}")
                assert answer.status_code in (403, 422) if repeated or name != own else (200, 404)
                check(reader, answer.text, name)
                if answer.status_code == 403 and name in TENANTS:
                    nobody = client.get(f"/api/v1/{path}?tenant=nobody-at-all")
                    assert (nobody.status_code, nobody.json()["detail"]) == (403, answer.json()["detail"])

    @rule(reader=readers)
    def a_reader_asks_for_the_types(self, reader: str) -> None:
        with self.world.client(reader) as client:
            answer = client.get("/api/v1/event-types", params={"limit": 100})
        check(reader, answer.text, "")
        told = {one["type"]: one["count"] for one in answer.json()["items"] if one["count"]}
        types = {"plain": "told", "own type": f"told.{WHO[reader]['tenant']}", "secret": "hushed.told"}
        truth = Counter(types[self.world.events[id][1]] for id in self.world.visible(reader))
        assert told == truth

    @rule(
        reader=readers,
        filter=st.fixed_dictionaries({}, optional={**FILTERS, "replay": st.integers(0, 100)}),
        start=st.sampled_from((None, "earliest", "0", "3", "99999999", "bravo")),
        written=st.lists(st.tuples(tenants, kinds), max_size=4),
    )
    def a_reader_follows_the_stream(
        self, reader: str, filter: dict[str, Any], start: str | None, written: list[tuple[str, str]]
    ) -> None:
        query = urlencode(live(filter))
        with EventStream(self.world.server.port, query, last=start, headers=bearer(reader)) as stream:
            assert stream.status == 200
            stream.until("connected")
            seen = self._read_sse(reader, stream, written)
        if start in ("earliest", "0") and not filter.keys() & {"q", "types", "type", "severity"}:
            assert seen == self.world.visible(reader)

    @rule(
        reader=readers,
        filter=st.fixed_dictionaries({}, optional={"q": FILTERS["q"], "types": FILTERS["types"]}),
        as_who=st.sampled_from((None, *READERS)),
        written=st.lists(st.tuples(tenants, kinds), max_size=3),
    )
    def somebody_uses_the_ticket_of_a_reader(
        self, reader: str, filter: dict[str, Any], as_who: str | None, written: list[tuple[str, str]]
    ) -> None:
        with self.world.client(reader) as client:
            issued = client.post("/api/v1/stream/tickets", json=live(filter))
            assert issued.status_code == 201
            own_cookie = stream_cookie(issued)
        ticket = issued.json()["ticket"]
        query = urlencode({"ticket": ticket, "last_event_id": "earliest"})
        # Whoever holds a ticket sees what its reader may see: never more, whatever else he shows.
        with EventStream(self.world.server.port, query, headers=bearer(as_who)) as stream:
            assert stream.status == 200
            stream.until("connected")
            self._read_sse(reader, stream, written)
        for headers in ({}, bearer(as_who), {"Cookie": self._cookie_of_the_other(reader)}):
            with EventStream(self.world.server.port, query, headers=headers) as again:
                assert again.status == 401, "a ticket admits once"
        with EventStream(self.world.server.port, query, headers={"Cookie": own_cookie}) as returned:
            assert returned.status == 200
            returned.until("connected")
            self._read_sse(reader, returned, written)

    @rule(reader=readers, tenant=OTHERS["tenant"])
    def a_reader_asks_for_a_ticket_or_a_stream_of_another_tenant(self, reader: str, tenant: str) -> None:
        own = WHO[reader]["tenant"]
        if tenant == own:
            return
        query = urlencode({"tenant": tenant})
        with self.world.client(reader) as client:
            assert client.post(f"/api/v1/stream/tickets?{query}", json={}).status_code in (403, 422)
        with EventStream(self.world.server.port, query, headers=bearer(reader)) as stream:
            assert stream.status in (403, 422)
        with websocket(self.world.server.port, query=query, headers=bearer(reader)) as socket:
            with pytest.raises(ConnectionClosed):
                socket.recv(PATIENCE)
            assert socket.close_code in (4403, 4400)

    @rule(
        reader=readers,
        patterns=st.lists(st.sampled_from(TYPES), min_size=1, max_size=2),
        wanted=WANTED,
        start=st.sampled_from((None, "earliest", "0", "2")),
        written=st.lists(st.tuples(tenants, kinds), max_size=4),
    )
    def a_reader_subscribes_over_websocket(
        self, reader: str, patterns: list[str], wanted: dict[str, Any], start: str | None,
        written: list[tuple[str, str]],
    ) -> None:  # fmt: skip
        asked = {"type": "subscribe", "events": patterns, "filters": wanted, "id": 1}
        asked |= {"last_event_id": start} if start else {"replay": 100}
        # A second subscription, to everything, tells when the first has been given all there is.
        everything = {"type": "subscribe", "events": ["*"], "replay": 0, "id": 2}
        with websocket(self.world.server.port, headers=bearer(reader)) as socket:
            socket.send(json.dumps(asked))
            answer = json.loads(socket.recv(PATIENCE))
            if answer["type"] == "error":
                assert answer["code"] in ("forbidden", "invalid")
                check(reader, json.dumps(answer), asked)
                return
            socket.send(json.dumps(everything))
            last, events = None, []
            while last is None or last not in {event["id"] for event in events}:
                message = json.loads(socket.recv(PATIENCE))
                if message["type"] == "event":
                    events.append(message)
                elif message["type"] == "subscribed":
                    for tenant, kind in written:
                        self.world.emit(tenant, kind)
                    last = self.world.emit(WHO[reader]["tenant"], "plain", last=True)
        check(reader, json.dumps(events), "")
        assert {event["id"] for event in events} <= self.world.visible(reader)
        assert {event["tenantid"] for event in events} == {WHO[reader]["tenant"]}

    def _read_sse(self, reader: str, stream: EventStream, written: list[tuple[str, str]]) -> set[str]:
        """Write, and read up to an event that every filter of ``live`` lets through; ids of what came."""
        for tenant, kind in written:
            self.world.emit(tenant, kind)
        last, events = self.world.emit(WHO[reader]["tenant"], "plain", last=True), []
        while not events or events[-1]["id"] != last:
            events.append(stream.until("telemetry").data)
        check_events(self.world, reader, events)
        check(reader, json.dumps(events), "")
        return {event["id"] for event in events}

    def _cookie_of_the_other(self, reader: str) -> str:
        other = "bravo-viewer" if reader.startswith("alpha") else "alpha-viewer"
        with self.world.client(other) as client:
            return stream_cookie(client.post("/api/v1/stream/tickets", json={}))


def stream_cookie(answer: httpx2.Response) -> str:
    """What a browser would send on with its next stream."""
    return answer.headers["set-cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("tenancy"), anonymous="", tokens=TOKENS, exclude="*") as server:
        yield World(server)


def test_nobody_ever_sees_anything_of_another_tenant_or_of_a_type_he_may_not_read(world: World) -> None:
    class Here(Tenancy):
        pass

    Here.world = world
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Here, settings=settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    )
