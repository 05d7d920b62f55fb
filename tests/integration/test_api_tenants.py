"""Two tenants that never see each other, whatever they ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from telemetrykit.telemetry import Telemetry

Connect = Callable[..., TestClient]
BATCH = "application/cloudevents-batch+json"
SECRET = "ours-alone"
OTHERS = ("default", "*", "_host", "nobody", "", "ACME", "acme ", "acme\x00")


@pytest.fixture
def backend() -> str:
    """What is asked here does not depend on the loop."""
    return "asyncio"


@pytest.fixture
def filled(connect: Connect) -> Connect:
    """Events of the default tenant, all of which hold SECRET somewhere, and one of acme."""
    events = [
        {
            "id": f"{SECRET}-{n}",
            "source": "shop",
            "type": f"order.{SECRET}",
            "subject": SECRET,
            "data": {"n": n, "k": SECRET},
        }
        for n in range(5)
    ]
    root = connect("root")
    assert root.post("/api/v1/events", json=events, headers={"Content-Type": BATCH}).json()["accepted"] == 5
    own = [{"id": "1", "source": "shop", "type": "order.theirs"}]
    export = {"format": "csv", "title": SECRET, "filter": {"k": SECRET}}
    assert root.post("/api/v1/exports", json=export).status_code == 202
    assert connect("acme").post("/api/v1/events", json=own, headers={"Content-Type": BATCH}).json()["accepted"] == 1
    return connect


def get_addresses(client: TestClient) -> list[tuple[str, Any]]:
    paths = client.get("/openapi.json").json()["paths"]
    return [(path, operations["get"]) for path, operations in paths.items() if "get" in operations]


#: Values for parameters by name; others are left out.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "q": st.sampled_from(["", SECRET, f"-{SECRET}", "subject:*", "n>=0", f"k:{SECRET} or n:1", "-(n:99)", "type:*"]),
    "types": st.sampled_from(["*", f"order.{SECRET}", "order.*"]),
    "type": st.sampled_from(["*", f"order.{SECRET}"]),
    "since": st.sampled_from(["-1h", "2020-01-01T00:00:00Z"]),
    "until": st.sampled_from(["2100-01-01T00:00:00Z"]),
    "severity": st.sampled_from(["trace", "error", 9]),
    "limit": st.integers(1, 100),
    "offset": st.integers(0, 3),
    "cursor": st.sampled_from(["99999999999999999.999999", "0.0"]),
    "tenant": st.sampled_from(["acme", *OTHERS]),
    "status": st.sampled_from(["queued", "processing", "completed", "failed", "pending"]),
    "queue": st.sampled_from(["exports", "default"]),
    "kind": st.sampled_from(["export", SECRET]),
    "days": st.integers(1, 365),
    "signature": st.sampled_from(["", SECRET]),
}


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_address_shows_anything_of_another_tenant(filled: Connect, data: st.DataObject) -> None:
    client = filled("acme")
    path, operation = data.draw(st.sampled_from(get_addresses(client)))
    names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
    params = {name: data.draw(VALUES[name]) for name in names if data.draw(st.booleans())}
    theirs = filled("root").get("/api/v1/jobs").json()["items"][0]["job_id"]
    answer = client.get(
        path.replace("{cursor}", str(data.draw(st.integers(0, 8)))).replace("{id}", theirs), params=params
    )
    assert answer.status_code < 500
    told = answer.text.replace(answer.json().get("detail", SECRET), "") if answer.status_code >= 400 else answer.text
    assert SECRET not in told
    if answer.status_code == 200 and path.startswith("/api/v1/events"):
        items = answer.json().get("items", [answer.json()])
        assert {item["tenantid"] for item in items} <= {"acme"}


def test_an_event_of_another_tenant_is_not_found_rather_than_forbidden(filled: Connect) -> None:
    cursor = filled("root").get("/api/v1/events", params={"types": f"order.{SECRET}"}).json()["items"][0]["sequence"]
    assert filled("root").get(f"/api/v1/events/{cursor}").status_code == 200
    assert filled("acme").get(f"/api/v1/events/{cursor}").status_code == 404


@pytest.mark.parametrize("tenant", [*OTHERS[:3], "nobody"])
def test_another_tenant_by_name_takes_a_permission(filled: Connect, tenant: str) -> None:
    answer = filled("acme").get("/api/v1/events", params={"tenant": tenant})
    assert answer.status_code == 403
    assert "permission" in answer.json()["detail"]
    assert filled("acme").get("/api/v1/events", params={"tenant": "acme"}).json()["pagination"]["total"] == 1


def test_who_has_all_tenants_may_name_one_or_all(filled: Connect) -> None:
    root = filled("root")

    def owners(**params: str) -> set[str]:
        items = root.get("/api/v1/events", params={"types": "order.*", **params}).json()["items"]
        return {item["tenantid"] for item in items}

    assert owners() == {"default"}
    assert owners(tenant="acme") == {"acme"}
    assert owners(tenant="*") == {"default", "acme"}
    assert owners(tenant="nobody") == set()
    assert root.get("/api/v1/me").json()["tenants"] == ["acme", "default"]


def test_what_is_the_hosts_own_takes_a_permission(filled: Connect, kit: Telemetry) -> None:
    kit.emit("plugin.failed", part="x", error="y", tenant="_host")
    kit._parts.portal.run(kit.flush())
    root = filled("root")
    assert root.get("/api/v1/events", params={"tenant": "_host"}).json()["items"][0]["type"] == "plugin.failed"
    assert filled("viewer").get("/api/v1/events", params={"tenant": "_host"}).status_code == 403
