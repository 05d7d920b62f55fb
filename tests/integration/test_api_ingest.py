"""``POST api/v1/events`` and what it leaves in the log."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from starlette.testclient import TestClient

from telemetrykit.telemetry import Telemetry

PATH = "/api/v1/events"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
NDJSON = "application/x-ndjson"
MSGPACK = "application/msgpack"


def event(id: str = "1", **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": "shop", "type": "order.paid", "data": {"amount": 1}, **more}


def post(client: TestClient, body: Any, media_type: str, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(PATH, content=content, headers={"Content-Type": media_type, **headers})


def stored(client: TestClient) -> list[Any]:
    found: list[Any] = client.get(PATH, params={"types": "order.*,a"}).json()["items"]
    return found


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (STRUCTURED, json.dumps(event()).encode()),
        (STRUCTURED + "; charset=UTF-8", json.dumps(event()).encode()),
        (BATCH, json.dumps([event()]).encode()),
        (NDJSON, b"\n" + json.dumps(event()).encode() + b"\r\n\n"),
        (MSGPACK, msgpack.packb(event())),
        (MSGPACK, msgpack.packb([event()])),
    ],
)
def test_every_form_stores_the_same_event(root: TestClient, media_type: str, body: bytes) -> None:
    answer = post(root, body, media_type)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    (found,) = stored(root)
    assert (found["id"], found["source"], found["data"], found["tenantid"]) == ("1", "shop", {"amount": 1}, "default")


def test_binary_mode_takes_attributes_from_percent_encoded_headers(root: TestClient) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "shop",
        "ce-type": "order.paid",
        "ce-subject": "caf%C3%A9 %2525",
        "ce-severitynumber": "17",
        "ce-partitionkey": "k",
    }
    assert post(root, {"amount": 1}, "application/json", **headers).status_code == 202
    (found,) = stored(root)
    assert (found["subject"], found["severitytext"], found["partitionkey"]) == ("café %25", "error", "k")


def test_binary_mode_without_a_body_has_no_data(root: TestClient) -> None:
    headers = {"ce-id": "1", "ce-source": "shop", "ce-type": "order.paid"}
    assert root.post(PATH, headers=headers).status_code == 202
    assert stored(root)[0]["data"] == {}


def test_binary_mode_reads_only_json(root: TestClient) -> None:
    answer = post(root, b"hello", "text/plain", **{"ce-id": "1", "ce-source": "s", "ce-type": "a"})
    assert answer.status_code == 415
    assert "JSON object" in answer.json()["detail"]


def test_a_structured_content_type_wins_over_binary_headers(root: TestClient) -> None:
    assert post(root, event(), STRUCTURED, **{"ce-id": "other", "ce-source": "s", "ce-type": "a"}).status_code == 202
    assert stored(root)[0]["id"] == "1"


def test_bad_events_of_a_batch_are_told_by_index_and_field_and_the_good_ones_are_kept(root: TestClient) -> None:
    batch = [event("1"), {"id": 5}, "text", event("2", tenantid="acme"), event("3", data={"n": 2**70}), event("4")]
    answer = post(root, batch, BATCH).json()
    assert answer["accepted"] == 2
    assert [one["index"] for one in answer["rejected"]] == [1, 2, 3, 4]
    pointers = [[error["pointer"] for error in one["errors"]] for one in answer["rejected"]]
    assert pointers == [["#/type", "#/source", "#/id"], ["#"], ["#/tenantid"], ["#/data/n"]]
    assert {one["id"] for one in stored(root)} == {"1", "4"}


def test_a_line_that_is_no_json_rejects_that_index_only(root: TestClient) -> None:
    body = b"\n".join([json.dumps(event("1")).encode(), b'{"id": ', b"\xff", b"NaN", json.dumps(event("2")).encode()])
    answer = post(root, body, NDJSON).json()
    assert answer["accepted"] == 2
    assert [one["index"] for one in answer["rejected"]] == [1, 2, 3]
    assert "line 2" in answer["rejected"][0]["errors"][0]["detail"]


def test_one_event_that_is_not_valid_is_a_problem_that_names_each_field(root: TestClient) -> None:
    answer = post(root, {"id": "1", "source": ""}, STRUCTURED)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert [error["pointer"] for error in body["errors"]] == ["#/type", "#/source"]
    assert (body["accepted"], [one["index"] for one in body["rejected"]]) == (0, [0])


def test_data_that_does_not_fit_its_declared_type_is_rejected(root: TestClient) -> None:
    answer = post(root, [event(type="order.checked", data={})], BATCH).json()
    assert answer["rejected"][0]["errors"][0]["pointer"] == "#/data"


def test_a_repeated_event_is_a_duplicate_and_stored_once(root: TestClient) -> None:
    assert post(root, [event(), event()], BATCH).json() == {"accepted": 2, "duplicates": 1, "rejected": []}
    assert post(root, event(), STRUCTURED).json() == {"accepted": 1, "duplicates": 1, "rejected": []}
    assert len(stored(root)) == 1


def test_a_body_of_another_type_is_told_the_types_there_are(root: TestClient) -> None:
    answer = post(root, b"{}", "application/json")
    assert (answer.status_code, STRUCTURED in answer.headers["accept"]) == (415, True)
    packed = root.post(PATH, content=b"{}", headers={"Content-Type": STRUCTURED, "Content-Encoding": "br"})
    assert (packed.status_code, packed.headers["accept-encoding"]) == (415, "gzip")


@pytest.mark.parametrize(
    ("media_type", "body", "words"),
    [
        (STRUCTURED, b'{"id": 1,', "line 1, column 10"),
        (BATCH, b'[\n{"id": }]', "line 2, column 8"),
        (BATCH, b"{}", "JSON array"),
        (STRUCTURED, b'{"a": NaN}', "NaN"),
        (STRUCTURED, b"\xff\xfe", "UTF-8"),
        (STRUCTURED, b"", "body is empty"),
        (BATCH, b"[" * 100_000, "nested too deeply"),
        (MSGPACK, b"\xc1", "msgpack"),
        (MSGPACK, b"\xdd\xff\xff\xff\xff", "msgpack"),
    ],
)
def test_a_body_that_is_broken_as_a_whole_is_refused_in_words(
    root: TestClient, media_type: str, body: bytes, words: str
) -> None:
    answer = post(root, body, media_type)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "media_type", ["application/json", "text/csv", "", "application/cloudevents+json; charset=utf-16"]
)
def test_another_content_type_is_told_what_is_read(root: TestClient, media_type: str) -> None:
    answer = post(root, event(), media_type)
    assert answer.status_code == 415
    assert "utf-16" in answer.json()["detail"] or STRUCTURED in answer.json()["detail"]


def test_a_body_over_the_limit_is_refused_with_or_without_a_length(root: TestClient) -> None:
    body = json.dumps(event(data={"text": "x" * 2**20})).encode()
    assert post(root, body, STRUCTURED).status_code == 413
    chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    answer = root.post(PATH, content=chunks, headers={"Content-Type": STRUCTURED})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_gzipped_body_is_unpacked(root: TestClient) -> None:
    packed = gzip.compress(json.dumps([event("1")]).encode()[:-1]) + gzip.compress(
        b"," + json.dumps(event("2")).encode() + b"]"
    )
    assert post(root, packed, BATCH, **{"Content-Encoding": "gzip"}).json()["accepted"] == 2


@pytest.mark.parametrize(
    ("packed", "encoding", "status"),
    [
        (gzip.compress(b"[" + b"1," * 5_000_000 + b"1]"), "gzip", 413),
        (gzip.compress(json.dumps(event()).encode())[:-9], "gzip", 400),
        (b"not gzip at all", "gzip", 400),
        (b"", "br", 415),
    ],
)
def test_a_bad_gzip_body_is_refused(root: TestClient, packed: bytes, encoding: str, status: int) -> None:
    assert post(root, packed, BATCH, **{"Content-Encoding": encoding}).status_code == status


def test_more_than_ten_thousand_events_are_too_many(root: TestClient) -> None:
    assert post(root, b"[" + b"1," * 10_000 + b"1]", BATCH).status_code == 413
    assert post(root, b"1\n" * 10_001, NDJSON).status_code == 413


def test_events_go_to_the_tenant_of_the_caller(connect: Callable[..., TestClient], root: TestClient) -> None:
    assert post(connect("acme"), event(tenantid="acme"), STRUCTURED).status_code == 202
    assert stored(root) == []
    assert stored(connect("acme"))[0]["tenantid"] == "acme"


def test_writing_takes_a_permission(connect: Callable[..., TestClient]) -> None:
    assert post(connect("viewer"), event(), STRUCTURED).status_code == 403
    assert post(connect("writer"), event(), STRUCTURED).status_code == 202
    assert post(connect(), event(), STRUCTURED).status_code == 401


def test_who_sends_too_often_is_told_how_long_to_wait(
    tokens: dict[str, Any], mounted: Callable[..., TestClient]
) -> None:
    from telemetrykit.testing.clock import FakeClock
    from telemetrykit.testing.telemetry import make_telemetry

    clock = FakeClock()
    with make_telemetry(tokens=tokens, ingest_rate=0.5, clock=clock) as telemetry:
        client = mounted(telemetry, "writer-token")
        assert post(client, event("1"), STRUCTURED).status_code == 202
        refused = post(client, event("2"), STRUCTURED)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert post(mounted(telemetry, "root-token"), event("3"), STRUCTURED).status_code == 202
        clock.advance(2)
        assert post(client, event("4"), STRUCTURED).status_code == 202


def test_a_store_that_stays_away_makes_ingest_answer_429(
    kit: Telemetry, root: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from telemetrykit.errors import BackendUnavailable

    async def append(*_: Any) -> Any:
        raise BackendUnavailable("the disk is full")

    monkeypatch.setattr("telemetrykit.web.routes.ingest.PATIENCE", 0.1)
    monkeypatch.setattr(kit._parts.backends.store, "append", append)
    answer = post(root, event(), STRUCTURED)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
