"""Jobs, queues, workers and dead letters over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.office import OfficePlugin, finish, make_office

from telemetrykit import Settings, hookimpl
from telemetrykit.contracts.jobs import JobContext, JobKind
from telemetrykit.model.job import Job, JobStatus
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.telemetry import CapturedEvents

Connect = Callable[..., TestClient]
PATH = "/api/v1/jobs"
NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def backend() -> str:
    """What is asked here does not depend on the loop."""
    return "asyncio"


class Office(OfficePlugin):
    """Has one more kind of job, whose result has the names of an export's."""

    @hookimpl
    def register_jobs(self, settings: Settings) -> list[JobKind]:
        return [*super().register_jobs(settings), JobKind(name="label", handler=self.label)]

    async def label(self, job: Job, context: JobContext) -> dict[str, int]:
        return {"key": job.params["n"], "manifest": job.params["n"]}


@pytest.fixture
def office() -> OfficePlugin:
    """What the jobs of the kit do."""
    return Office()


@pytest.fixture
def kit(office: OfficePlugin) -> Iterator[Telemetry]:
    """A running kit in memory."""
    with ExitStack() as stack:
        telemetry = stack.enter_context(make_office(office))
        stack.callback(office.turnstile.open)
        yield telemetry


@pytest.fixture
def operator(connect: Connect) -> TestClient:
    """Somebody who may manage jobs."""
    return connect("operator")


def submit(kit: Telemetry, kind: str, n: int = 1, **more: Any) -> str:
    """The id of a new job."""
    job: Job = kit._parts.portal.run(kit.jobs.submit(kind, {"n": n}, **more))
    return job.id


def fail(kit: Telemetry, *numbers: int, **more: Any) -> list[str]:
    """Ids of jobs that have failed for good: of odd numbers, for the same reason."""
    ids = [submit(kit, "halve", number, **more) for number in numbers]
    assert {finish(kit, id).status for id in ids} == {JobStatus.FAILED}
    return ids


def get_ids(client: TestClient, path: str = PATH, **params: Any) -> list[str]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [one["job_id"] for one in answer.json()["items"]]


def test_a_job_is_told_with_all_that_is_known_of_it(kit: Telemetry, operator: TestClient) -> None:
    finish(kit, id := submit(kit, "double", 21, created_by="ada", priority=3))
    told = operator.get(f"{PATH}/{id}").json()
    assert (told["job_id"], told["queue"], told["kind"], told["tenant"]) == (id, "default", "double", "default")
    assert (told["status"], told["params"], told["result"]) == ("completed", {"n": 21}, {"doubled": 42})
    assert (told["attempt"], told["max_attempts"], told["priority"], told["created_by"]) == (1, 3, 3, "ada")
    assert (told["error"], told["cancelling"]) == (None, False)
    assert told["created_at"] <= told["started_at"] <= told["finished_at"]


def test_a_job_that_failed_is_told_with_its_error(kit: Telemetry, operator: TestClient) -> None:
    (id,) = fail(kit, 7)
    error = operator.get(f"{PATH}/{id}").json()["error"]
    assert (error["type"], error["message"]) == ("ValueError", "7 is odd")
    assert "halve" in error["traceback"]
    assert len(error["fingerprint"]) == 16


def test_a_job_at_work_is_told_with_its_progress(kit: Telemetry, operator: TestClient, office: OfficePlugin) -> None:
    id = submit(kit, "hold")
    assert office.turnstile.reached.wait(60)
    while not (told := operator.get(f"{PATH}/{id}").json())["progress"]:
        continue
    assert told["status"] == "processing"
    assert told["progress"] == {"done": 1, "total": 4, "percent": 25.0, "note": "waiting", "custom": None}
    assert told["worker"]


def test_the_result_of_an_export_names_no_file_of_the_kit(kit: Telemetry, operator: TestClient) -> None:
    id = operator.post("/api/v1/exports", json={"format": "csv"}).json()["job_id"]
    finish(kit, id)
    told = operator.get(f"{PATH}/{id}").json()
    assert (told["kind"], told["queue"], told["status"]) == ("export", "exports", "completed")
    assert set(told["result"]) == {"media_type", "filename", "rows", "size", "sha256"}


def test_of_an_export_only_what_was_asked_for_is_told(kit: Telemetry, operator: TestClient) -> None:
    """Not which types were withheld, nor how a type is made: who sees the job may be allowed less than who asked."""
    body = {"format": "csv", "filter": {"types": ["http.request"]}, "limit": 5}
    finish(kit, id := operator.post("/api/v1/exports", json=body).json()["job_id"])
    told = operator.get(f"{PATH}/{id}").json()["params"]
    assert set(told) == {"source", "format", "compression", "tenant", "filter", "fields", "limit", "title"}
    assert told["limit"] == 5


def test_the_result_of_any_other_job_is_told_as_it_is(kit: Telemetry, operator: TestClient) -> None:
    finish(kit, id := submit(kit, "label", 3))
    assert operator.get(f"{PATH}/{id}").json()["result"] == {"key": 3, "manifest": 3}


def test_the_list_is_filtered_and_cut_into_pages(
    kit: Telemetry, operator: TestClient, connect: Connect, office: OfficePlugin
) -> None:
    failed = fail(kit, 1, 3)
    finish(kit, done := submit(kit, "double", 1234567))
    held = submit(kit, "hold")
    assert office.turnstile.reached.wait(60)
    assert get_ids(operator) == [held, done, *reversed(failed)]
    assert get_ids(operator, status="failed") == get_ids(operator, queue="maths") == list(reversed(failed))
    assert get_ids(operator, kind="double") == get_ids(operator, q="1234567") == [done]
    assert get_ids(operator, q="3 is odd") == [failed[1]]
    assert get_ids(operator, status="processing", kind="hold") == [held]
    assert get_ids(operator, status="processing", kind="double") == get_ids(operator, queue="none") == []
    page = operator.get(PATH, params={"limit": 1, "offset": 2}).json()
    assert [one["job_id"] for one in page["items"]] == [failed[1]]
    cursor = page["pagination"].pop("next_cursor")
    assert page["pagination"] == {"total": 4, "limit": 1, "offset": 2, "has_more": True}
    last = operator.get(PATH, params={"limit": 1, "cursor": cursor}).json()
    assert [one["job_id"] for one in last["items"]] == [failed[0]]
    assert last["pagination"] == {"total": 4, "limit": 1, "offset": None, "has_more": False, "next_cursor": None}
    assert get_ids(operator, q=done) == [done]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "offset=-1", "status=pending", "queue=", "kind=%00", "x=1", "cursor=a"]
)
def test_parameters_that_are_wrong_are_refused(operator: TestClient, query: str) -> None:
    answer = operator.get(f"{PATH}?{query}")
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)


def test_a_job_that_waits_is_stopped_at_once_and_one_at_work_in_a_moment(
    kit: Telemetry, operator: TestClient, office: OfficePlugin
) -> None:
    waiting, held = submit(kit, "double", delay=3600), submit(kit, "hold")
    assert office.turnstile.reached.wait(60)
    answer = operator.post(f"{PATH}/{waiting}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    answer = operator.post(f"{PATH}/{held}/cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["cancelling"]) == (202, "processing", True)
    assert finish(kit, held).status is JobStatus.CANCELLED
    for id in (waiting, held):
        answer = operator.post(f"{PATH}/{id}/cancel")
        assert (answer.status_code, "cancelled" in answer.json()["detail"]) == (409, True)
    audits = CapturedEvents(kit)("audit.job.cancelled")
    assert [(event.subject, event.data["by"]) for event in audits if event.data] == [
        (waiting, "operator"),
        (held, "operator"),
    ]


def test_a_job_that_failed_is_done_again_with_other_params(kit: Telemetry, operator: TestClient) -> None:
    (id,) = fail(kit, 7)
    answer = operator.post(f"{PATH}/{id}/retry", json={})
    assert (answer.status_code, answer.json()["status"], answer.json()["attempt"]) == (202, "queued", 0)
    assert finish(kit, id).status is JobStatus.FAILED
    answer = operator.post(f"{PATH}/{id}/retry", json={"params": {"n": 8}})
    assert answer.json()["params"] == {"n": 8}
    assert finish(kit, id).result == {"halved": 4}
    assert operator.post(f"{PATH}/{id}/retry", json={}).status_code == 409
    audits = [event.data for event in CapturedEvents(kit)("audit.job.retried") if event.data]
    assert [(data["by"], data["job_id"], data["edited"]) for data in audits] == [
        ("operator", id, False),
        ("operator", id, True),
    ]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/json"}, {"Content-Length": "0"}])
def test_to_retry_takes_no_body(kit: Telemetry, operator: TestClient, headers: dict[str, str]) -> None:
    (id,) = fail(kit, 7)
    answer = operator.post(f"{PATH}/{id}/retry", headers=headers)
    assert (answer.status_code, answer.json()["params"]) == (202, {"n": 7})
    finish(kit, id)
    answer = operator.post(f"{PATH}/failed/groups/{get_fingerprint(operator)}/retry", headers=headers)
    assert answer.status_code == 202
    finish(kit, answer.json()["job_id"])
    answer = operator.post(f"{PATH}/failed/groups/{get_fingerprint(operator)}/discard", headers=headers)
    assert answer.json() == {"discarded": 1}


def test_which_jobs_are_retried_has_to_be_said(kit: Telemetry, operator: TestClient) -> None:
    fail(kit, 7)
    assert operator.post(f"{PATH}/failed/retry").status_code == 400
    assert operator.post(f"{PATH}/failed/retry", json={}).status_code == 422
    assert operator.post(f"{PATH}/failed/retry", content=b"{}").status_code == 415
    assert operator.post(f"{PATH}/failed/retry", json={"filter": {}}).status_code == 202


@pytest.mark.parametrize("params", [{}, {"n": "8"}, {"n": None}, [], None])
def test_params_that_do_not_fit_are_refused_and_change_nothing(
    kit: Telemetry, operator: TestClient, params: Any
) -> None:
    (id,) = fail(kit, 7)
    answer = operator.post(f"{PATH}/{id}/retry", json={"params": params})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("#/params")
    assert operator.get(f"{PATH}/{id}").json()["status"] == "failed"


def test_what_an_export_may_read_cannot_be_edited(kit: Telemetry, operator: TestClient) -> None:
    id = operator.post("/api/v1/exports", json={"format": "csv", "source": "broken"}).json()["job_id"]
    finish(kit, id)
    params = operator.get(f"{PATH}/{id}").json()["params"]
    for edited in ({**params, "tenant": None}, {**params, "withheld": []}, {}):
        answer = operator.post(f"{PATH}/{id}/retry", json={"params": edited})
        assert (answer.status_code, "cannot be edited" in answer.json()["detail"]) == (409, True)
    assert operator.post(f"{PATH}/{id}/retry", json={}).status_code == 202


def test_another_tenants_job_is_not_there(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    (id,) = fail(kit, 7, tenant="acme")
    acme = connect("acme")
    assert acme.get(f"{PATH}/{id}").status_code == 200
    for other in (id, NOWHERE):
        assert operator.get(f"{PATH}/{other}").status_code == 404
        assert operator.post(f"{PATH}/{other}/cancel").status_code == 404
        assert operator.post(f"{PATH}/{other}/retry", json={}).status_code == 404
    assert get_ids(operator) == get_ids(operator, f"{PATH}/failed/recent") == []
    assert operator.get(PATH, params={"tenant": "acme"}).status_code == 403
    assert get_ids(connect("root"), tenant="acme") == get_ids(connect("root"), tenant="*") == [id]


@pytest.mark.parametrize("id", ["..%2f..%2fetc", "%00", "x" * 65, "a.b", "failed", "%2e%2e"])
def test_an_id_that_is_none_is_not_found_and_leads_nowhere(operator: TestClient, id: str) -> None:
    assert operator.get(f"{PATH}/{id}").status_code in (404, 422)
    assert operator.post(f"{PATH}/{id}/cancel").status_code in (404, 422)


def test_dead_letters_of_one_cause_are_one_group(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    failed = fail(kit, 1, 3, 5)
    fail(kit, 7, tenant="acme")
    (group,) = operator.get(f"{PATH}/failed/groups").json()["items"]
    assert (group["queue"], group["kind"], group["type"], group["count"]) == ("maths", "halve", "ValueError", 3)
    assert (group["message"], group["sample"]) == ("5 is odd", failed[2])
    assert group["first_seen"] <= group["last_seen"]
    assert group["trend"] == [0, 0, 0, 0, 0, 0, 3]
    stats = operator.get(f"{PATH}/failed/stats").json()
    assert (stats["total"], stats["groups"]) == (3, 1)
    assert (stats["by_queue"], stats["by_kind"], stats["by_type"]) == ({"maths": 3}, {"halve": 3}, {"ValueError": 3})
    assert (stats["first_seen"], stats["last_seen"]) == (group["first_seen"], group["last_seen"])
    assert get_ids(operator, f"{PATH}/failed/recent") == list(reversed(failed))
    assert get_ids(operator, f"{PATH}/failed/recent", limit=1) == [failed[2]]
    assert connect("root").get(f"{PATH}/failed/stats", params={"tenant": "*"}).json()["total"] == 4


def test_without_dead_letters_there_is_nothing_to_tell(operator: TestClient) -> None:
    stats = operator.get(f"{PATH}/failed/stats").json()
    assert (stats["total"], stats["first_seen"]) == (0, None)
    assert operator.get(f"{PATH}/failed/groups").json() == {"items": []}
    assert operator.get(f"{PATH}/failed/recent").json() == {"items": []}


def get_fingerprint(client: TestClient) -> str:
    fingerprint: str = client.get(f"{PATH}/failed/groups").json()["items"][0]["fingerprint"]
    return fingerprint


def test_a_group_is_retried_by_a_job_at_a_rate(kit: Telemetry, operator: TestClient) -> None:
    failed = fail(kit, 1, 3)
    fail(kit, 5, tenant="acme")
    answer = operator.post(f"{PATH}/failed/groups/{get_fingerprint(operator)}/retry", json={"rate": 500})
    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == body["status_url"] == f"/telemetry{PATH}/{body['job_id']}"
    done = finish(kit, body["job_id"])
    assert done.result is not None
    assert (done.result["matched"], done.result["retried"]) == (2, 2)
    for id in failed:
        assert finish(kit, id).status is JobStatus.FAILED
    captured = CapturedEvents(kit)
    (audit,) = captured("audit.job.retried")
    assert audit.data is not None
    assert (audit.data["by"], audit.data["count"], audit.tenant) == ("operator", 2, "default")
    again = [event.subject for event in captured("job.queued") if event.data and event.data.get("reason") == "retried"]
    assert again == failed


def test_all_that_match_a_filter_are_retried(kit: Telemetry, operator: TestClient) -> None:
    failed = fail(kit, 1, 3, 55)
    for filter, matched in (
        ({"ids": failed[:2]}, 2), ({"text": "55 is"}, 1), ({"queues": ["none"]}, 0), ({"kinds": ["halve"]}, 3), ({}, 3),
    ):  # fmt: skip
        answer = operator.post(f"{PATH}/failed/retry", json={"filter": filter, "rate": 1000})
        assert answer.status_code == 202, answer.text
        done = finish(kit, answer.json()["job_id"])
        assert done.result is not None
        assert done.result["matched"] == matched
        for id in failed:
            finish(kit, id)


def test_what_a_retry_of_many_may_reach_cannot_be_edited(kit: Telemetry, operator: TestClient) -> None:
    id = operator.post(f"{PATH}/failed/retry", json={"filter": {}, "rate": 1}).json()["job_id"]
    finish(kit, id)
    kit._parts.portal.run(kit._parts.backends.queue.expire(id))
    params = operator.get(f"{PATH}/{id}").json()["params"]
    answer = operator.post(f"{PATH}/{id}/retry", json={"params": {**params, "tenant": None}})
    assert answer.status_code == 409


def test_a_group_is_discarded(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    fail(kit, 1, 3)
    fail(kit, 5, tenant="acme")
    path = f"{PATH}/failed/groups/{get_fingerprint(operator)}/discard"
    assert operator.post(path).json() == {"discarded": 2}
    assert operator.post(path).status_code == 404
    assert connect("acme").get(f"{PATH}/failed/stats").json()["total"] == 1
    audit = CapturedEvents(kit)("audit.job.discarded")[0]
    assert audit.data is not None
    assert (audit.data["by"], audit.data["count"]) == ("operator", 2)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("groups/0123456789abcdef/retry", {"rate": 0}),
        ("groups/0123456789abcdef/retry", {"rate": 1001}),
        ("groups/0123456789abcdef/retry", {"rate": True}),
        ("groups/0123456789abcdef/retry", {"stop_after": 0}),
        ("groups/0123456789abcdef/retry", {"tenant": "acme"}),
        ("retry", {}),
        ("retry", {"filter": {"tenant": "acme"}}),
        ("retry", {"filter": {"queues": []}}),
        ("retry", {"filter": {"queues": "maths"}}),
        ("retry", {"filter": {"text": "\u0000"}}),
    ],
)
def test_orders_about_dead_letters_that_make_no_sense_are_refused(
    operator: TestClient, path: str, body: dict[str, Any]
) -> None:
    answer = operator.post(f"{PATH}/failed/{path}", json=body)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)
    assert get_ids(operator) == []


@pytest.mark.parametrize("fingerprint", ["x", "0123456789ABCDEF", "..", "0123456789abcdef0", "%2e%2e%2f"])
def test_a_fingerprint_that_is_none_is_not_found(operator: TestClient, fingerprint: str) -> None:
    for action in ("retry", "discard"):
        answer = operator.post(f"{PATH}/failed/groups/{fingerprint}/{action}", json={})
        assert answer.status_code in (404, 422)


def test_a_paused_queue_holds_its_jobs_until_it_is_resumed(kit: Telemetry, connect: Connect) -> None:
    root = connect("root")
    assert root.post("/api/v1/queues/default/pause").status_code == 204
    assert root.post("/api/v1/queues/default/pause").status_code == 204
    id = submit(kit, "double")
    told = {one["queue"]: one for one in root.get("/api/v1/queues").json()["items"]}
    assert (told["default"]["is_paused"], told["default"]["paused"], told["default"]["waiting"]) == (True, 1, 0)
    assert root.post("/api/v1/queues/default/resume").status_code == 204
    assert finish(kit, id).status is JobStatus.COMPLETED
    told = {one["queue"]: one for one in root.get("/api/v1/queues").json()["items"]}
    assert (told["default"]["is_paused"], told["default"]["completed"]) == (False, 1)
    assert set(told) >= {"default", "maths", "exports", "maintenance"}
    assert root.post("/api/v1/queues/a%2fb/pause").status_code in (404, 422)
    kit._parts.portal.run(kit.flush())
    types = [
        one["type"] for one in root.get("/api/v1/events", params={"tenant": "_host", "q": "by:root"}).json()["items"]
    ]
    assert types == ["audit.queue.resumed", "audit.queue.paused", "audit.queue.paused"]


def test_who_does_jobs_is_told(kit: Telemetry, connect: Connect) -> None:
    (worker,) = connect("root").get("/api/v1/workers").json()["items"]
    assert set(worker["queues"]) >= {"default", "maths"}
    assert (worker["concurrency"], worker["running"]) == (5, 0)
    assert worker["pid"] > 0


def test_how_the_queues_are(kit: Telemetry, connect: Connect, office: OfficePlugin) -> None:
    root = connect("root")
    fail(kit, 1)
    finish(kit, submit(kit, "double"))
    submit(kit, "hold")
    submit(kit, "double", delay=3600)
    assert office.turnstile.reached.wait(60)
    report = root.get("/api/v1/health/queues").json()
    assert (report["status"], report["redis"], report["issues"]) == ("healthy", None, [])
    queues = {one["queue"]: one for one in report["queues"]}
    assert queues["default"]["stats"] == {
        "waiting": 0, "active": 1, "completed": 1, "failed": 0, "delayed": 1, "paused": 0
    }  # fmt: skip
    details = queues["default"]["details"]
    assert (details["is_running"], details["is_paused"], details["processing_capacity"]) == (True, False, 5)
    assert (details["error_rate"], queues["maths"]["details"]["error_rate"]) == (0, 1)
    assert details["avg_processing_ms"] >= 0
    assert details["last_job_processed_at"]
    assert report["summary"]["total_queues"] == report["summary"]["healthy"] == len(queues)
    assert report["summary"]["total_jobs"] == {"waiting": 0, "active": 1, "completed": 1, "failed": 1, "delayed": 1}


def test_each_role_may_do_what_it_is_for(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    (id,) = fail(kit, 1)
    viewer, nobody = connect("viewer"), connect("nobody")
    for path in ("", f"/{id}", "/failed/stats", "/failed/recent", "/failed/groups"):
        statuses = [client.get(f"{PATH}{path}").status_code for client in (viewer, operator, nobody, connect())]
        assert statuses == [200, 200, 403, 401], path
    orders = (f"/{id}/cancel", f"/{id}/retry", "/failed/retry", "/failed/groups/0123456789abcdef/discard")
    for path in orders:
        for client, status in ((viewer, 403), (nobody, 403), (connect(), 401)):
            assert client.post(f"{PATH}{path}", json={}).status_code == status, path


def test_what_is_everybodys_is_for_admins(connect: Connect) -> None:
    for path in ("queues", "workers", "health/queues"):
        found = [connect(who).get(f"/api/v1/{path}").status_code for who in ("root", "operator", "viewer", "acme")]
        assert found == [200, 403, 403, 403], path
    for action in ("pause", "resume"):
        found = [
            connect(who).post(f"/api/v1/queues/exports/{action}").status_code
            for who in ("root", "operator", "viewer", "acme")
        ]
        assert found == [204, 403, 403, 403], "a queue is one for all tenants"
