"""Exports over HTTP, from the request to the file."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.office import OfficePlugin, finish, make_office

from telemetrykit.errors import InvalidRequest
from telemetrykit.exports.links import Links, LinkTarget
from telemetrykit.model.job import JobStatus
from telemetrykit.telemetry import Telemetry
from telemetrykit.testing.clock import FakeClock
from telemetrykit.testing.telemetry import CapturedEvents

Connect = Callable[..., TestClient]
PATH = "/api/v1/exports"
ORDERS = {"format": "csv", "fields": ["type", "data.n"], "filter": {"types": ["order.*"]}}
CONTENT = b"type,data.n\r\n" + b"".join(b"order.paid,%d\r\n" % n for n in range(5))
HELD = {"format": "csv", "source": "held"}
BROKEN = {"format": "csv", "source": "broken"}
BAD_NAMES = ("../../etc/passwd", "..", "%2e%2e%2f", "a/b", "\u0000", "x" * 81, "")
BAD_IDS = ("..%2f..%2fetc%2fpasswd", "%2e%2e%2f", "a%2fb", "%00", "x" * 65, "a.b", "a_b", "%252e")


@pytest.fixture
def office() -> OfficePlugin:
    """What the jobs of the kit do."""
    return OfficePlugin()


@pytest.fixture
def kit(office: OfficePlugin) -> Iterator[Telemetry]:
    """A kit with five orders of the default tenant, one of acme, and one event that not everybody may read."""
    with ExitStack() as stack:
        telemetry = stack.enter_context(make_office(office))
        stack.callback(office.turnstile.open)
        for number in range(5):
            telemetry.emit("order.paid", n=number)
        telemetry.emit("order.paid", n=77, tenant="acme")
        telemetry.emit("hushed.told", n=99)
        telemetry._parts.portal.run(telemetry.flush())
        yield telemetry


@pytest.fixture
def operator(connect: Connect) -> TestClient:
    """Somebody who may ask for exports."""
    return connect("operator")


def ask(client: TestClient, body: dict[str, Any] = ORDERS, **headers: str) -> str:
    """The id of a new export."""
    answer = client.post(PATH, json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["job_id"]
    return id


def make(kit: Telemetry, client: TestClient, body: dict[str, Any] = ORDERS) -> dict[str, Any]:
    """An export that is over, as the API tells of it."""
    finish(kit, id := ask(client, body))
    told: dict[str, Any] = client.get(f"{PATH}/{id}").json()
    return told


def fetch(client: TestClient, id: str, **headers: str) -> Any:
    return client.get(f"{PATH}/{id}/download", headers={name.replace("_", "-"): text for name, text in headers.items()})


def put_into(kit: Telemetry, client: TestClient, office: OfficePlugin, status: JobStatus) -> str:
    """The id of an export in a status."""
    queue, run = kit._parts.backends.queue, kit._parts.portal.run
    match status:
        case JobStatus.QUEUED | JobStatus.CANCELLED:
            run(queue.pause("exports"))
            id = ask(client)
            if status is JobStatus.CANCELLED:
                assert client.delete(f"{PATH}/{id}").status_code == 204
            run(queue.resume("exports")) if status is JobStatus.CANCELLED else None
        case JobStatus.PROCESSING:
            id = ask(client, HELD)
            assert office.turnstile.reached.wait(60)
        case JobStatus.RETRYING:
            office.held.failure = OSError("a while without a disk")
            id = ask(client, HELD)
            assert office.turnstile.reached.wait(60)
            run(queue.pause("exports"))
            office.turnstile.open()
            while client.get(f"{PATH}/{id}").json()["status"] == "processing":
                continue
        case JobStatus.FAILED:
            id = make(kit, client, BROKEN)["job_id"]
        case _:
            id = make(kit, client)["job_id"]
            if status is JobStatus.EXPIRED:
                run(queue.expire(id))
    assert client.get(f"{PATH}/{id}").json()["status"] == status
    return id


def test_an_export_is_accepted_with_the_address_where_it_is_told_of(operator: TestClient) -> None:
    answer = operator.post(PATH, json=ORDERS)
    body = answer.json()
    assert answer.status_code == 202
    assert (body["status"], body["estimated_completion_at"], body["warnings"]) == ("queued", None, [])
    assert answer.headers["location"] == body["status_url"] == f"/telemetry{PATH}/{body['job_id']}"
    assert operator.get(f"{PATH}/{body['job_id']}").json()["created_at"] == body["created_at"]


def test_a_completed_export_tells_everything_of_its_file(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator, {**ORDERS, "title": "Orders", "limit": 1000})
    assert set(told) == {
        *("job_id", "status", "source", "format", "compression", "title", "filter", "fields", "limit", "created_at"),
        *("started_at", "completed_at", "expires_at", "attempt", "error", "created_by", "rows", "file_size_bytes"),
        *("sha256", "download_url", "progress_percent", "can_cancel", "can_download", "can_retry", "is_expired"),
        "seconds_until_expiration",
    }
    assert (told["status"], told["rows"], told["file_size_bytes"]) == ("completed", 5, len(CONTENT))
    assert told["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (told["title"], told["created_by"], told["attempt"], told["error"]) == ("Orders", "operator", 1, None)
    assert (told["can_cancel"], told["can_download"], told["can_retry"], told["is_expired"]) == (
        False, True, False, False,
    )  # fmt: skip
    assert told["progress_percent"] == 100
    assert 0 < told["seconds_until_expiration"] <= 7 * 86400
    assert told["created_at"] <= told["started_at"] <= told["completed_at"] < told["expires_at"]


def test_every_format_and_compression_that_is_listed_makes_a_file(kit: Telemetry, operator: TestClient) -> None:
    listed = operator.get(f"{PATH}/sources").json()
    assert {"csv", "json", "jsonl", "xlsx", "pdf", "docx"} <= {one["name"] for one in listed["formats"]}
    assert listed["compressions"] == ["none", "gzip"]
    for format in listed["formats"]:
        for compression in listed["compressions"]:
            told = make(kit, operator, {**ORDERS, "format": format["name"], "compression": compression})
            assert (told["status"], told["rows"]) == ("completed", 5), (format, told["error"])
            answer = fetch(operator, told["job_id"])
            packed = compression == "gzip"
            assert answer.headers["content-type"] == ("application/gzip" if packed else format["media_type"])
            assert "content-encoding" not in answer.headers
            suffix = format["suffix"] + ".gz" * packed
            assert answer.headers["content-disposition"].endswith(f"{suffix}")
            assert len(gzip.decompress(answer.content) if packed else answer.content) > 20


def test_the_sources_are_told_with_their_columns(operator: TestClient) -> None:
    sources = {one["name"]: one for one in operator.get(f"{PATH}/sources").json()["sources"]}
    assert [column["name"] for column in sources["events"]["columns"]] == [
        *("cursor", "time", "type", "severity", "source", "id", "subject", "trace_id", "data")
    ]
    assert sources["guarded"]["permission"] == "hushed:read"
    assert sources["held"]["columns"] == [{"name": "n", "type": "integer"}]


def test_a_preview_shows_the_first_rows_and_how_many_there_are(kit: Telemetry, operator: TestClient) -> None:
    for number in range(5, 30):
        kit.emit("order.paid", n=number)
    kit._parts.portal.run(kit.flush())
    body = {**ORDERS, "fields": ["time", "data.n"]}
    shown = operator.post(f"{PATH}/preview", json=body).json()
    assert shown["columns"] == [{"name": "time", "type": "datetime"}, {"name": "data.n", "type": "any"}]
    assert [row[1] for row in shown["rows"]] == list(range(20))
    assert all(row[0].endswith("Z") for row in shown["rows"])
    assert shown["total"] == 30
    assert operator.post(f"{PATH}/preview", json={**body, "limit": 7}).json()["total"] == 7
    assert operator.get(PATH).json()["items"] == []


def test_what_arrives_after_the_request_is_not_in_the_file(
    kit: Telemetry, operator: TestClient, office: OfficePlugin
) -> None:
    kit._parts.portal.run(kit._parts.backends.queue.pause("exports"))
    id = ask(operator)
    kit.emit("order.paid", n=5)
    kit._parts.portal.run(kit.flush())
    kit._parts.portal.run(kit.jobs.resume("exports", tenant="_host"))
    finish(kit, id)
    assert fetch(operator, id).content == CONTENT


@pytest.mark.parametrize(
    ("body", "pointer", "cure"),
    [
        ({"format": "cvs"}, "#/format", "did you mean 'csv'"),
        ({}, "#/format", "name a format: csv, docx, json, jsonl, pdf, xlsx"),
        ({"format": "csv", "source": "evnts"}, "#/source", "did you mean 'events'"),
        ({"format": "csv", "compression": "zip"}, "#/compression", "gzip"),
        ({"format": "csv", "fields": ["cursor", "tmie"]}, "#/fields/1", "did you mean 'time'"),
        ({"format": "csv", "fields": []}, "#/fields", ""),
        ({"format": "csv", "fields": ["id", "id"]}, "#/fields", ""),
        ({"format": "csv", "limit": 0}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": -1}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": 1_000_001}, "#/limit", "from 1 to 1,000,000"),
        ({"format": "csv", "limit": True}, "#/limit", "integer"),
        ({"format": "csv", "limit": "10"}, "#/limit", "integer"),
        ({"format": "csv", "start_time": "-1h", "end_time": "-2h"}, "#/end_time", "swap them"),
        ({"format": "csv", "start_time": "-400d"}, "#/start_time", "400 days; at most 365"),
        ({"format": "csv", "start_time": "yesterday"}, "#/start_time", ""),
        ({"format": "csv", "filter": {"types": "order.*"}}, "#/filter/types", ""),
        ({"format": "csv", "filter": {"where": {"field": "nope"}}}, "#/filter/where", ""),
        ({"format": "csv", "title": "x" * 201}, "#/title", ""),
        ({"format": "csv", "formt": "csv"}, "#", "'formt' was unexpected"),
    ],
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/preview"])
def test_what_cannot_be_exported_is_told_with_the_field_and_the_cure(
    operator: TestClient, path: str, body: dict[str, Any], pointer: str, cure: str
) -> None:
    answer = operator.post(path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    errors = answer.json()["errors"]
    assert any(error["pointer"].startswith(pointer) and cure in error["detail"] for error in errors), errors
    assert operator.get(PATH).json()["pagination"]["total"] == 0


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_name_in_a_request_leads_out_of_its_place(operator: TestClient, name: str) -> None:
    for field in ("source", "format", "compression"):
        assert operator.post(PATH, json={"format": "csv", field: name}).status_code == 422
    assert operator.post(PATH, json={"format": "csv", "fields": [name]}).status_code == 422


@pytest.mark.parametrize("id", BAD_IDS)
def test_an_id_that_is_none_is_not_found_and_leads_nowhere(operator: TestClient, id: str) -> None:
    for rest in ("", "/download", "/manifest"):
        assert operator.get(f"{PATH}/{id}{rest}").status_code in (404, 422)
    assert operator.delete(f"{PATH}/{id}").status_code in (404, 422)
    assert operator.post(f"{PATH}/{id}/retry").status_code in (404, 422)


def test_no_title_and_no_tenant_ever_names_a_file(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator, {**ORDERS, "title": "../../etc/passwd\r\nSet-Cookie: a=b"})
    answer = fetch(operator, told["job_id"])
    assert answer.content == CONTENT
    assert "passwd" not in answer.headers["content-disposition"]
    assert "set-cookie" not in answer.headers


def test_nothing_that_matches_gives_a_valid_empty_file(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator, {**ORDERS, "filter": {"types": ["none.such"]}})
    assert (told["status"], told["rows"]) == ("completed", 0)
    assert fetch(operator, told["job_id"]).content == b"type,data.n\r\n"


def test_plain_keys_choose_rows_too(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator, {**ORDERS, "filter": {"n": 3}})
    assert fetch(operator, told["job_id"]).content == b"type,data.n\r\norder.paid,3\r\n"


def test_a_document_of_many_pages_comes_with_a_warning(kit: Telemetry, operator: TestClient) -> None:
    for format, limit, warned in (("pdf", 50_001, 1), ("docx", 100_000, 1), ("pdf", 50_000, 0), ("csv", 1_000_000, 0)):
        answer = operator.post(PATH, json={**ORDERS, "format": format, "limit": limit})
        assert len(answer.json()["warnings"]) == warned
        finish(kit, answer.json()["job_id"])


def test_the_end_is_estimated_once_there_is_a_past(kit: Telemetry, operator: TestClient) -> None:
    make(kit, operator)
    body = operator.post(PATH, json=ORDERS).json()
    assert body["estimated_completion_at"] > body["created_at"]


def test_the_list_is_filtered_and_cut_into_pages(kit: Telemetry, operator: TestClient, office: OfficePlugin) -> None:
    done = [make(kit, operator, {**ORDERS, "title": f"week {n}"})["job_id"] for n in range(3)]
    failed = make(kit, operator, BROKEN)["job_id"]
    held = put_into(kit, operator, office, JobStatus.PROCESSING)

    def ids(**params: Any) -> list[str]:
        answer = operator.get(PATH, params=params)
        assert answer.status_code == 200, answer.text
        return [one["job_id"] for one in answer.json()["items"]]

    assert ids() == [held, failed, *reversed(done)]
    assert ids(status="completed") == list(reversed(done))
    assert ids(status="failed") == ids(q="No space left") == [failed]
    assert ids(status="pending") == ids(status="processing") == [held]
    assert ids(status="queued") == []
    assert ids(q="week 1") == [done[1]]
    assert ids(q=done[0][:18]) != []
    page = operator.get(PATH, params={"limit": 2, "offset": 1}).json()
    assert [one["job_id"] for one in page["items"]] == [failed, done[2]]
    cursor = page["pagination"].pop("next_cursor")
    assert page["pagination"] == {"total": 5, "limit": 2, "offset": 1, "has_more": True}
    assert ids(cursor=cursor) == [done[1], done[0]]
    assert operator.get(PATH, params={"limit": 2, "offset": 4}).json()["pagination"]["has_more"] is False


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "status=done", "sort=x", "q=%00", "limit=1&limit=2"]
)
def test_parameters_that_are_wrong_are_refused(operator: TestClient, query: str) -> None:
    answer = operator.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"]


@pytest.mark.parametrize("status", list(JobStatus))
def test_an_export_can_be_stopped_until_it_is_over_and_made_again_once_it_has_not_come_to_a_file(
    kit: Telemetry, operator: TestClient, office: OfficePlugin, status: JobStatus
) -> None:
    id = put_into(kit, operator, office, status)
    told = operator.get(f"{PATH}/{id}").json()
    live = status in (JobStatus.QUEUED, JobStatus.RETRYING, JobStatus.PROCESSING)
    again = status in (JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED)
    assert (told["can_cancel"], told["can_retry"], told["can_download"], told["is_expired"]) == (
        live, again, status is JobStatus.COMPLETED, status is JobStatus.EXPIRED,
    )  # fmt: skip
    assert fetch(operator, id).status_code == {JobStatus.COMPLETED: 200, JobStatus.EXPIRED: 410}.get(status, 409)
    assert operator.get(f"{PATH}/{id}/manifest").status_code == fetch(operator, id).status_code
    assert operator.delete(f"{PATH}/{id}").status_code == (204 if live else 409)
    if live:
        assert finish(kit, id).status is JobStatus.CANCELLED
        assert operator.delete(f"{PATH}/{id}").status_code == 409
        return
    answer = operator.post(f"{PATH}/{id}/retry")
    assert answer.status_code == (202 if again else 409)
    if again:
        assert (answer.json()["job_id"], answer.json()["status"]) == (id, "queued")
        assert finish(kit, id).status is (JobStatus.FAILED if status is JobStatus.FAILED else JobStatus.COMPLETED)


@pytest.mark.parametrize("status", list(JobStatus))
def test_what_its_status_does_not_allow_is_refused_with_what_it_does_allow(
    kit: Telemetry, operator: TestClient, office: OfficePlugin, status: JobStatus
) -> None:
    id = put_into(kit, operator, office, status)
    told = operator.get(f"{PATH}/{id}").json()
    asked = [("GET", "/download"), ("GET", "/manifest")] if status is not JobStatus.COMPLETED else []
    asked += [] if told["can_cancel"] else [("DELETE", "")]
    asked += [] if told["can_retry"] else [("POST", "/retry")]
    answers = [operator.request(method, f"{PATH}/{id}{rest}") for method, rest in asked]
    refusals = [answer.json()["detail"] for answer in answers if answer.status_code == 409]
    cure = "/retry" if told["can_retry"] else "Ask for it again" if told["can_cancel"] else "Download its file"
    assert refusals
    for detail in refusals:
        assert (detail[:11], cure in detail, "job" in detail) == ("The export ", True, False), detail


def test_an_export_that_is_not_there_is_called_an_export(kit: Telemetry, operator: TestClient) -> None:
    job = kit._parts.portal.run(kit.jobs.submit("double", {"n": 1}))
    for id in (job.id, "00000000-0000-7000-8000-000000000000"):
        answer = operator.get(f"{PATH}/{id}")
        assert (answer.status_code, answer.json()["detail"][:18]) == (404, "There is no export")


def test_an_export_that_failed_says_why(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator, BROKEN)
    assert (told["status"], told["error"], told["download_url"]) == ("failed", "No space left on device", None)
    assert (told["completed_at"], told["expires_at"], told["rows"]) == (None, None, None)


def test_a_file_comes_with_its_name_its_length_its_tag_and_its_digest(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator)
    answer = fetch(operator, told["job_id"])
    digest = hashlib.sha256(CONTENT)
    created = told["created_at"]
    name = f"events-{created[:10]}-{created[11:19].replace(':', '')}.csv"
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"


def test_a_name_beyond_ascii_is_given_in_both_forms_of_rfc_6266(mounted: Connect) -> None:
    office = OfficePlugin()
    office.held.name = "Größen; 大"
    with make_office(office) as kit:
        client = mounted(kit, "operator-token")
        told = make(kit, client, {"format": "csv", "source": "Größen; 大", "title": "Größen"})
        disposition = fetch(client, told["job_id"]).headers["content-disposition"]
    stamp = f"{told['created_at'][:10]}-{told['created_at'][11:19].replace(':', '')}.csv"
    encoded = "Gr%C3%B6%C3%9Fen%3B%20%E5%A4%A7"
    assert disposition == f"attachment; filename=\"Gr__en_ _-{stamp}\"; filename*=UTF-8''{encoded}-{stamp}"


@pytest.mark.parametrize(
    ("range", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("Bytes=0-0", 0, 1),
        ("bytes=5-", 5, None),
        ("bytes=-5", -5, None),
        ("bytes=20-999999", 20, None),
    ],
)
def test_a_part_of_a_file_is_given(kit: Telemetry, operator: TestClient, range: str, start: int, end: int) -> None:
    id = make(kit, operator)["job_id"]
    answer = fetch(operator, id, range=range)
    part = CONTENT[start:end]
    first = start % len(CONTENT)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["repr-digest"] == fetch(operator, id).headers["repr-digest"]


@pytest.mark.parametrize(
    "range", ["bytes=0-", "bytes=-9999", "bytes=9-5", "bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=x", "1-2", ""]
)
def test_a_range_that_is_the_whole_or_cannot_be_understood_gives_the_whole(
    kit: Telemetry, operator: TestClient, range: str
) -> None:
    answer = fetch(operator, make(kit, operator)["job_id"], range=range)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("range", [f"bytes={len(CONTENT)}-", "bytes=9999-10000", "bytes=-0"])
def test_a_range_beyond_the_end_cannot_be_met(kit: Telemetry, operator: TestClient, range: str) -> None:
    answer = fetch(operator, make(kit, operator)["job_id"], range=range)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(CONTENT)}"


def test_a_range_of_another_version_gives_the_whole(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator)
    tag = f'"{told["sha256"]}"'
    assert fetch(operator, told["job_id"], range="bytes=0-3", if_range=tag).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sat, 21 Nov 2026 09:30:00 GMT"):
        assert fetch(operator, told["job_id"], range="bytes=0-3", if_range=other).status_code == 200


def test_a_client_that_has_the_file_is_told_so(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator)
    tag = f'"{told["sha256"]}"'
    for known in (tag, f"W/{tag}", f'"a", {tag}', "*"):
        answer = fetch(operator, told["job_id"], if_none_match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert fetch(operator, told["job_id"], if_none_match='"a"').status_code == 200


def test_head_tells_of_the_whole_file_and_counts_as_no_download(kit: Telemetry, operator: TestClient) -> None:
    id = make(kit, operator)["job_id"]
    answer = operator.head(f"{PATH}/{id}/download", headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))
    fetch(operator, id, range="bytes=9999-")
    fetch(operator, id, if_none_match="*")
    fetch(operator, id, range="bytes=4-")
    captured = CapturedEvents(kit)
    assert captured("export.downloaded") == []
    fetch(operator, id, range="bytes=0-3")
    assert captured.one("export.downloaded").data == {"job_id": id, "by": "operator"}


def test_the_manifest_tells_what_is_in_the_file(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator)
    manifest = operator.get(f"{PATH}/{told['job_id']}/manifest").json()
    assert (manifest["rows"], manifest["size"], manifest["sha256"]) == (5, len(CONTENT), told["sha256"])
    assert manifest["columns"] == [{"name": "type", "type": "text"}, {"name": "data.n", "type": "any"}]
    assert manifest["filter"] == told["filter"]
    assert int(manifest["first_cursor"]) + 4 <= int(manifest["last_cursor"])
    assert (manifest["truncated"], manifest["replaced_characters"]) == (False, 0)
    assert manifest["version"]


def test_what_became_of_the_exports_is_counted(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    nothing = operator.get(f"{PATH}/statistics").json()
    assert (nothing["total"], nothing["durations"], nothing["success_rate"]) == (0, None, None)
    for body in (ORDERS, {**ORDERS, "format": "jsonl"}, ORDERS, BROKEN):
        make(kit, operator, body)
    told = operator.get(f"{PATH}/statistics", params={"days": 1}).json()
    assert (told["total"], told["rows"]) == (4, 15)
    assert told["by_status"] == {"completed": 3, "failed": 1}
    assert told["by_format"] == {"csv": 3, "jsonl": 1}
    assert told["bytes"] > 2 * len(CONTENT)
    assert 0 < told["durations"]["p50"] <= told["durations"]["p95"]
    assert told["success_rate"] == 0.75
    assert connect("acme").get(f"{PATH}/statistics").json()["total"] == 0
    for days in (0, 366, "x"):
        assert operator.get(f"{PATH}/statistics", params={"days": days}).status_code == 422


def test_the_same_idempotency_key_gives_the_same_export(
    kit: Telemetry, operator: TestClient, connect: Connect, office: OfficePlugin
) -> None:
    first = ask(operator, HELD, **{"Idempotency-Key": "k1"})
    assert ask(operator, HELD, **{"Idempotency-Key": "k1"}) == first
    assert ask(operator, HELD, **{"Idempotency-Key": "k2"}) != first
    assert operator.post(PATH, json=ORDERS, headers={"Idempotency-Key": "k1"}).status_code == 409
    assert ask(connect("acme"), HELD, **{"Idempotency-Key": "k1"}) != first
    assert ask(connect("colleague"), HELD, **{"Idempotency-Key": "k1"}) != first, "a key belongs to who uses it"
    assert operator.post(PATH, json=HELD, headers={"Idempotency-Key": "x" * 201}).status_code == 422
    assert operator.post(PATH, json=HELD, headers={"Idempotency-Key": ""}).status_code == 422
    assert len(CapturedEvents(kit)("export.started")) == 4


def test_an_idempotency_key_does_not_stand_for_the_export_of_another_tenant(connect: Connect) -> None:
    root = connect("root")
    for tenant, status in (("default", 202), ("acme", 409)):
        answer = root.post(PATH, json=ORDERS, params={"tenant": tenant}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == status


def test_a_signed_link_admits_without_credentials(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    told = make(kit, operator)
    url = told["download_url"].removeprefix("/telemetry")
    answer = connect().get(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert connect().get(url, headers={"Range": "bytes=0-3"}).status_code == 206
    assert connect("acme").get(url).status_code == 200, "whoever has the link may have the file"
    assert connect().get(url.partition("?")[0]).status_code == 401
    assert connect().get(url.replace("/download", "")).status_code in (401, 422)
    assert CapturedEvents(kit)("export.downloaded")[0].data == {"job_id": told["job_id"]}


def test_a_link_that_is_forged_foreign_or_old_is_refused(
    kit: Telemetry, operator: TestClient, connect: Connect, office: OfficePlugin
) -> None:
    told, other = make(kit, operator), make(kit, operator)
    path, _, signature = told["download_url"].removeprefix("/telemetry").partition("?signature=")
    job = kit._parts.portal.run(kit.jobs.get(told["job_id"]))
    assert job.result is not None
    target = LinkTarget(job_id=job.id, tenant=job.tenant, key=job.result["key"])
    keys = kit._parts.secret_keys
    old = Links(keys, FakeClock(1_000_000)).sign(target)
    strange = Links(["s" * 43], kit._parts.clock).sign(target)
    for bad in (signature[:-3] + "xyz", signature[1:], "", "x" * 2_000, old, strange, told["sha256"]):
        assert connect().get(path, params={"signature": bad}).status_code == 403, bad
        assert operator.get(path, params={"signature": bad}).status_code == 403, bad
    assert connect().get(f"{PATH}/{other['job_id']}/download", params={"signature": signature}).status_code == 403
    kit._parts.portal.run(kit._parts.backends.queue.expire(job.id))
    assert connect().get(path, params={"signature": signature}).status_code == 410
    assert operator.post(f"{PATH}/{job.id}/retry").status_code == 202
    finish(kit, job.id)
    assert connect().get(path, params={"signature": signature}).status_code == 403, "it was made for a former file"


def test_a_file_that_somebody_deleted_is_gone(kit: Telemetry, operator: TestClient) -> None:
    told = make(kit, operator)
    job = kit._parts.portal.run(kit.jobs.get(told["job_id"]))
    assert job.result is not None
    kit._parts.portal.run(kit._parts.backends.artifacts.delete(job.result["key"]))
    assert fetch(operator, told["job_id"]).status_code == 410


def test_another_tenants_export_is_not_there(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    id, acme = make(kit, operator)["job_id"], connect("acme")
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("GET", "/download"), ("GET", "/manifest")):
        there = acme.request(method, f"{PATH}/{id}{rest}")
        nowhere = acme.request(method, f"{PATH}/00000000-0000-7000-8000-000000000000{rest}")
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert there.json()["title"] == nowhere.json()["title"]
    assert acme.get(PATH).json()["pagination"]["total"] == 0
    assert make(kit, acme)["rows"] == 1
    for params in ({"tenant": "default"}, {"tenant": "*"}):
        assert acme.post(PATH, json=ORDERS, params=params).status_code == 403
        assert acme.post(f"{PATH}/preview", json=ORDERS, params=params).status_code == 403
        assert acme.get(PATH, params=params).status_code == 403
        assert acme.get(f"{PATH}/{id}/download", params=params).status_code == 403


def test_who_has_all_tenants_exports_of_one_or_all(kit: Telemetry, connect: Connect) -> None:
    root = connect("root")
    body = {**ORDERS, "fields": ["tenant", "data.n"]}
    for tenant, owners in (("acme", {"acme"}), ("*", {"default", "acme"}), ("default", {"default"})):
        id = root.post(PATH, json=body, params={"tenant": tenant}).json()["job_id"]
        finish(kit, id)
        rows = list(csv.DictReader(io.StringIO(fetch(root, id).text)))
        assert {row["tenant"] for row in rows} == owners
    for client in (connect("operator"), connect("acme")):
        answers = [client.get(f"{PATH}/{one['job_id']}/download") for one in root.get(PATH).json()["items"]]
        assert all(answer.status_code in (403, 404) or b"acme" not in answer.content for answer in answers)


def test_an_export_holds_no_events_that_its_maker_may_not_read(
    kit: Telemetry, operator: TestClient, connect: Connect
) -> None:
    every = {"format": "jsonl", "fields": ["type"]}
    mine = make(kit, operator, every)
    types = {json.loads(line)["type"] for line in fetch(operator, mine["job_id"]).text.splitlines()}
    assert "order.paid" in types
    assert "hushed.told" not in types
    shown = operator.post(f"{PATH}/preview", json=every).json()
    assert ["hushed.told"] not in shown["rows"]
    theirs = make(kit, keeper := connect("keeper"), {**every, "filter": {"types": ["hushed.*"]}})
    assert (theirs["rows"], fetch(keeper, theirs["job_id"]).status_code) == (1, 200)
    for client in (operator, connect("viewer")):
        told = client.get(f"{PATH}/{theirs['job_id']}").json()
        assert (told["can_download"], told["download_url"]) == (False, None)
        assert fetch(client, theirs["job_id"]).status_code == 403
        assert client.get(f"{PATH}/{theirs['job_id']}/manifest").status_code == 403
    assert fetch(keeper, mine["job_id"]).status_code == 200


def test_a_source_takes_its_own_permission(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    body = {"format": "csv", "source": "guarded"}
    assert operator.post(PATH, json=body).status_code == 403
    assert operator.post(f"{PATH}/preview", json=body).status_code == 403
    id = make(kit, connect("keeper"), body)["job_id"]
    assert fetch(operator, id).status_code == 403
    assert fetch(connect("keeper"), id).content == b"n\r\n1\r\n"


def test_each_role_may_do_what_it_is_for(kit: Telemetry, operator: TestClient, connect: Connect) -> None:
    id = make(kit, operator)["job_id"]
    viewer, nobody = connect("viewer"), connect("nobody")
    reads = [PATH, f"{PATH}/{id}", f"{PATH}/{id}/download", f"{PATH}/{id}/manifest", f"{PATH}/statistics"]
    for path in [*reads, f"{PATH}/sources"]:
        assert viewer.get(path).status_code == 200, path
        assert nobody.get(path).status_code == 403, path
        assert connect().get(path).status_code == 401, path
    for client, status in ((viewer, 403), (nobody, 403), (connect(), 401)):
        assert client.post(PATH, json=ORDERS).status_code == status
        assert client.post(f"{PATH}/preview", json=ORDERS).status_code == status
        assert client.delete(f"{PATH}/{id}").status_code == status
        assert client.post(f"{PATH}/{id}/retry").status_code == status
    assert viewer.get(f"{PATH}/{id}").json()["can_download"] is True


def test_the_life_of_an_export_is_told_by_events(kit: Telemetry, operator: TestClient) -> None:
    id = make(kit, operator)["job_id"]
    make(kit, operator, BROKEN)
    captured = CapturedEvents(kit)
    told = [event.type for event in captured("export.*", "job.*") if event.subject == id]
    assert set(told) == {"export.started", "job.queued", "job.started", "job.completed", "export.completed"}
    assert captured("export.started")[0].data == {"job_id": id, "by": "operator"}
    assert len(captured("export.failed")) == 1


def test_a_host_that_submits_nonsense_as_an_export_breaks_no_list(kit: Telemetry, operator: TestClient) -> None:
    with pytest.raises(InvalidRequest, match="export"):
        kit._parts.portal.run(kit.jobs.submit("export", {"n": 1}))
    assert operator.get(PATH).status_code == 200
