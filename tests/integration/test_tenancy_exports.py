"""Two tenants export from one log: no file, list or number holds anything of the other, or of what is secret."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from support.server import Server
from support.waiting import PATIENCE, eventually

TENANTS = ("alpha", "bravo")
SECRET = "hushed"
WHO: dict[str, dict[str, Any]] = {
    "alpha": {"roles": ["operator"], "tenant": "alpha"},
    "alpha-keeper": {"roles": ["operator"], "tenant": "alpha", "permissions": ["hushed:read"]},
    "bravo": {"roles": ["operator"], "tenant": "bravo"},
    "bravo-viewer": {"roles": ["viewer"], "tenant": "bravo"},
}
TOKENS = {name: {"sha256": hashlib.sha256(f"{name}-token".encode()).hexdigest(), **who} for name, who in WHO.items()}
TYPES = ["told", "hushed.told"]
FILTERS: tuple[dict[str, Any], ...] = (
    {"types": TYPES},
    {"types": TYPES},
    {"who": "bravo"},
    {"types": ["hushed.*"]},
    {"types": TYPES, "where": {"not": {"field": "data.who", "op": "eq", "value": "alpha"}}},
)
#: What an export or a job says of what was asked.
ASKED = ("filter", "params", "result", "fields")

tenants = st.sampled_from(TENANTS)
everybody = st.sampled_from(sorted(WHO))
makers = st.sampled_from(sorted(set(WHO) - {"bravo-viewer"}))


class World:
    """A server, what is in its log, and who has asked for which export."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.events: list[tuple[str, bool]] = []
        self.exports: dict[str, str] = {}

    def client(self, who: str) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {who}-token"}
        return httpx2.Client(base_url=f"{self.server.url}/telemetry/api/v1", headers=headers, timeout=PATIENCE)

    def emit(self, tenant: str, secret: bool) -> None:
        word = f"{tenant}-{SECRET}" if secret else tenant
        event = {"type": TYPES[secret], "subject": word, "data": {"who": tenant, word: [word]}, "tenant": tenant}
        assert self.server.client.post("/told", json=event).status_code == 200
        self.events.append((tenant, secret))

    def visible(self, who: str) -> int:
        """How many events somebody may see."""
        own = WHO[who]["tenant"]
        return sum(tenant == own and (not secret or who == "alpha-keeper") for tenant, secret in self.events)

    def exports_of(self, tenant: str) -> set[str]:
        return {id for id, maker in self.exports.items() if WHO[maker]["tenant"] == tenant}


def check(who: str, told: object) -> None:
    """It holds no word of another tenant, and none that is secret."""
    words = {*TENANTS, SECRET} - {WHO[who]["tenant"]} - ({SECRET} if who == "alpha-keeper" else set())
    assert [word for word in words if word in json.dumps(told)] == []


def without_question(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in ASKED}


class Exporting(RuleBasedStateMachine):
    """Anybody asks for anything, in any order."""

    world: World

    @rule(tenant=tenants, secret=st.booleans())
    def something_happens(self, tenant: str, secret: bool) -> None:
        self.world.emit(tenant, secret)

    @rule(maker=makers, filter=st.sampled_from(FILTERS), tenant=st.sampled_from((None, *TENANTS, "*")))
    def somebody_asks_for_an_export(self, maker: str, filter: dict[str, Any], tenant: str | None) -> None:
        body = {"format": "jsonl", "fields": ["tenant", "type", "subject", "data"], "filter": filter}
        params = {} if tenant is None else {"tenant": tenant}
        with self.world.client(maker) as client:
            shown = client.post("/exports/preview", json=body, params=params)
            asked = client.post("/exports", json=body, params=params)
            if tenant not in (None, WHO[maker]["tenant"]):
                assert (shown.status_code, asked.status_code) == (403, 403)
                return
            assert (shown.status_code, asked.status_code) == (200, 202)
            id = asked.json()["job_id"]
            self.world.exports[id] = maker
            eventually(lambda: client.get(f"/exports/{id}").json()["status"] == "completed", "the export")
            rows = [json.loads(line) for line in client.get(f"/exports/{id}/download").text.splitlines()]
        check(maker, rows)
        check(maker, shown.json()["rows"])
        assert len(rows) == shown.json()["total"] <= self.world.visible(maker)
        assert filter != FILTERS[0] or len(rows) == self.world.visible(maker)

    @rule(who=everybody, data=st.data())
    def somebody_wants_an_export(self, who: str, data: st.DataObject) -> None:
        if not self.world.exports:
            return
        id = data.draw(st.sampled_from(sorted(self.world.exports)))
        own = id in self.world.exports_of(WHO[who]["tenant"])
        readable = self.world.exports[id] != "alpha-keeper" or who == "alpha-keeper"
        with self.world.client(who) as client:
            for path in (f"exports/{id}", f"jobs/{id}"):
                answer = client.get(path)
                assert answer.status_code == (200 if own else 404)
                check(who, without_question(answer.json()))
            for path in (f"exports/{id}/download", f"exports/{id}/manifest"):
                assert client.get(path).status_code == (404 if not own else 200 if readable else 403)
            for path in (f"exports/{id}/retry", f"jobs/{id}/cancel"):
                expected = 403 if who == "bravo-viewer" else 409 if own else 404
                assert client.post(path).status_code == expected

    @rule(who=everybody, text=st.sampled_from(("", *TENANTS, SECRET)))
    def somebody_lists_and_counts(self, who: str, text: str) -> None:
        mine = self.world.exports_of(WHO[who]["tenant"])
        with self.world.client(who) as client:
            for path in ("exports", "jobs"):
                page = client.get(path, params={"q": text, "limit": 100}).json()
                ids = {one["job_id"] for one in page["items"]}
                assert ids <= mine
                assert text or page["pagination"]["total"] == len(mine)
                check(who, [without_question(one) for one in page["items"]])
            assert client.get("exports/statistics").json()["total"] == len(mine)
            assert client.get("jobs/failed/stats").json()["total"] == 0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(
        tmp_path_factory.mktemp("exports"), anonymous="", tokens=TOKENS, exclude="*", queue_limits={}
    ) as server:
        yield World(server)


def test_nobody_ever_exports_or_sees_an_export_of_another_tenant_or_of_a_type_he_may_not_read(world: World) -> None:
    class Here(Exporting):
        pass

    Here.world = world
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        Here, settings=settings(max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=checks)
    )
