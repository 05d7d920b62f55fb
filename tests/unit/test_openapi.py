"""The description of the API."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from telemetrykit.testing.telemetry import make_telemetry

Described = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Described:
    with make_telemetry(anonymous="admin") as telemetry:
        client = TestClient(telemetry.asgi, base_url="http://127.0.0.1", client=("127.0.0.1", 1))
        answer: Described = client.get("/openapi.json").json()
        return answer


def operations(described: Described) -> list[tuple[str, str, Any]]:
    return [(path, method, one) for path, methods in described["paths"].items() for method, one in methods.items()]


def test_every_address_of_the_api_is_there(described: Described) -> None:
    assert {(method.upper(), path.removeprefix("/api/v1/")) for path, method, _ in operations(described)} == {
        ("GET", "health/live"),
        ("GET", "health/ready"),
        ("GET", "status"),
        ("GET", "plugins"),
        ("GET", "schemas"),
        ("GET", "panels"),
        ("GET", "events"),
        ("POST", "events"),
        ("GET", "events/{cursor}"),
        ("GET", "event-types"),
        ("POST", "stream/tickets"),
        ("POST", "session"),
        ("DELETE", "session"),
        ("GET", "me"),
        ("GET", "health/queues"),
        ("GET", "exports"),
        ("POST", "exports"),
        ("POST", "exports/preview"),
        ("GET", "exports/sources"),
        ("GET", "exports/statistics"),
        ("GET", "exports/{id}"),
        ("DELETE", "exports/{id}"),
        ("POST", "exports/{id}/retry"),
        ("GET", "exports/{id}/download"),
        ("GET", "exports/{id}/manifest"),
        ("GET", "jobs"),
        ("GET", "jobs/{id}"),
        ("POST", "jobs/{id}/cancel"),
        ("POST", "jobs/{id}/retry"),
        ("GET", "jobs/failed/stats"),
        ("GET", "jobs/failed/recent"),
        ("GET", "jobs/failed/groups"),
        ("POST", "jobs/failed/groups/{fingerprint}/retry"),
        ("POST", "jobs/failed/groups/{fingerprint}/discard"),
        ("POST", "jobs/failed/retry"),
        ("GET", "queues"),
        ("POST", "queues/{name}/pause"),
        ("POST", "queues/{name}/resume"),
        ("GET", "workers"),
    }
    assert described["openapi"].startswith("3.1")
    assert list(described["x-streams"]) == ["/stream"]


def test_each_names_its_permission_and_how_to_show_who_one_is(described: Described) -> None:
    found = {(method, path): one.get("x-permission") for path, method, one in operations(described)}
    assert found["post", "/api/v1/events"] == "events:write"
    assert found["get", "/api/v1/status"] == "system:read"
    assert found["get", "/api/v1/health/live"] is None
    for _, _, one in operations(described):
        assert one["security"] or "x-permission" not in one


def test_every_error_is_a_problem(described: Described) -> None:
    for _, _, one in operations(described):
        for status, answer in one["responses"].items():
            if status >= "400":
                assert "application/problem+json" in answer["content"]


def test_examples_fit_their_schemas(described: Described) -> None:
    def check(schema: Any, example: Any) -> None:
        jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(example)

    checked = 0
    for _, _, one in operations(described):
        contents = [
            one.get("requestBody", {}).get("content", {}),
            *(a.get("content", {}) for a in one["responses"].values()),
        ]
        places = [*one["parameters"], *(media for content in contents for media in content.values())]
        for place in places:
            if "example" in place:
                check(place["schema"], place["example"])
                checked += 1
    assert checked > 5


def test_operations_have_ids_of_their_own_and_words(described: Described) -> None:
    ids = [one["operationId"] for _, _, one in operations(described)]
    assert len(set(ids)) == len(ids)
    assert all(one["summary"] and one["tags"] for _, _, one in operations(described))


def test_an_export_that_is_asked_for_leads_to_all_that_can_be_done_with_it(described: Described) -> None:
    paths = described["paths"]
    ids = {one["operationId"]: path for path, _, one in operations(described)}
    for path in ("/api/v1/exports", "/api/v1/exports/{id}/retry"):
        links = paths[path]["post"]["responses"]["202"]["links"]
        assert {ids[link["operationId"]] for link in links.values()} == {
            *("/api/v1/exports/{id}", "/api/v1/exports/{id}/retry", "/api/v1/exports/{id}/download"),
            *("/api/v1/exports/{id}/manifest", "/api/v1/jobs/{id}", "/api/v1/jobs/{id}/cancel"),
            "/api/v1/jobs/{id}/retry",
        }
        assert {"get-exports-by-id", "delete-exports-by-id"} <= set(links)
        assert all(link["parameters"] == {"id": "$response.body#/job_id"} for link in links.values())


def test_a_body_that_asks_for_an_export_tells_what_there_is_to_choose_from(described: Described) -> None:
    body = described["paths"]["/api/v1/exports"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"csv", "pdf"} < set(body["properties"]["format"]["enum"])
    assert "events" in body["properties"]["source"]["enum"]
    assert body["properties"]["compression"]["enum"] == ["none", "gzip"]
    assert body["required"] == ["format"]


def test_it_is_json_without_surprises(described: Described) -> None:
    assert json.loads(json.dumps(described)) == described
