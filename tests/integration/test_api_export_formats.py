"""Which formats can be made, what heads a document says in words, and exports that an older version has made."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import docx
import pytest
from starlette.testclient import TestClient
from support.office import OfficePlugin, finish, make_office

from telemetrykit import Telemetry

Connect = Callable[..., TestClient]
PATH = "/api/v1/exports"
#: The module that a format needs, and the package that brings it.
NEEDS = {"xlsx": ("openpyxl", "openpyxl"), "pdf": ("reportlab", "reportlab"), "docx": ("docx", "python-docx")}
COMMAND = "pip install 'telemetrykit[export]'"
#: Lists the formats of a kit, and tells which of their libraries that has imported.
LOOK = """
import sys
from telemetrykit.testing.telemetry import make_telemetry
with make_telemetry() as telemetry:
    print([telemetry.exports.catalog.obstacle(format) for format in telemetry.exports.catalog.formats])
print(sorted({"openpyxl", "reportlab", "docx"} & set(sys.modules)))
"""


@pytest.fixture
def backend() -> str:
    """What is asked here does not depend on the loop."""
    return "asyncio"


@pytest.fixture
def kit() -> Iterator[Telemetry]:
    with make_office(OfficePlugin()) as telemetry:
        yield telemetry


@pytest.fixture
def operator(connect: Connect) -> TestClient:
    """Somebody who may ask for exports."""
    return connect("operator")


@pytest.fixture(params=NEEDS)
def lost(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A format whose library is not installed."""
    format: str = request.param
    monkeypatch.setitem(sys.modules, NEEDS[format][0], None)
    return format


def listed(client: TestClient) -> dict[str, str | None]:
    """Why each format cannot be made."""
    return {one["name"]: one["unavailable"] for one in client.get(f"{PATH}/sources").json()["formats"]}


def make(kit: Telemetry, client: TestClient, **body: Any) -> str:
    """The id of an export that is over."""
    answer = client.post(PATH, json=body)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["job_id"]
    finish(kit, id)
    return id


def test_a_format_whose_library_is_missing_is_refused_at_once_with_what_to_install(
    operator: TestClient, lost: str
) -> None:
    for path in (PATH, f"{PATH}/preview"):
        answer = operator.post(path, json={"format": lost, "limit": 0})
        format, limit = answer.json()["errors"]
        assert (answer.status_code, format["pointer"], limit["pointer"]) == (422, "#/format", "#/limit")
        assert format["detail"] == f"no {lost} can be made: {NEEDS[lost][1]} is not installed. Run: {COMMAND}"
        assert answer.headers["content-type"] == "application/problem+json"
    assert operator.get(PATH).json()["items"] == []


def test_the_list_says_which_formats_cannot_be_made_and_why(operator: TestClient, lost: str) -> None:
    found = listed(operator)
    assert {name for name, why in found.items() if why} == {lost}
    assert COMMAND in str(found[lost])


def test_nor_is_one_made_again_whose_library_is_gone(
    kit: Telemetry, operator: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = make(kit, operator, format="xlsx", source="broken")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    answer = operator.post(f"{PATH}/{id}/retry")
    assert (answer.status_code, COMMAND in answer.json()["detail"]) == (409, True)
    assert operator.get(f"{PATH}/{id}").json()["status"] == "failed"


@pytest.mark.parametrize("settings", [{"worker": "off"}, {"worker": "dedicated", "queues": ("mail",)}])
def test_who_leaves_the_work_to_others_refuses_no_format_for_what_it_lacks_itself(
    mounted: Callable[..., TestClient], lost: str, settings: dict[str, Any]
) -> None:
    with make_office(OfficePlugin(), **settings) as telemetry:
        client = mounted(telemetry, "operator-token")
        assert client.post(PATH, json={"format": lost}).status_code == 202
        assert set(listed(client).values()) == {None}


def test_to_know_it_no_library_is_imported() -> None:
    told = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.splitlines() == [str([None] * 6), "[]"]


@pytest.mark.parametrize(
    ("filter", "words"),
    [
        ({"where": {"field": "data.http.response.status_code", "op": "gte", "value": 500}}, "status>=500"),
        ({"user": "ada b"}, 'user:"ada b"'),
        ({"min_duration_ms": 1500}, "duration>=1.5"),
        ({"n": 3}, '{"field":"data.n","op":"eq","value":3}'),
        ({"user": "a" * 500}, f"user:{'a' * 387}…"),
    ],
)
def test_the_head_of_a_document_tells_the_filter_as_people_write_it(
    kit: Telemetry, operator: TestClient, filter: dict[str, Any], words: str
) -> None:
    id = make(kit, operator, format="docx", filter=filter)
    head = docx.Document(io.BytesIO(operator.get(f"{PATH}/{id}/download").content)).paragraphs
    assert f"Where: {words}" in [paragraph.text for paragraph in head]


def test_an_export_of_a_version_that_knew_no_properties_is_listed_fetched_and_made_again(
    kit: Telemetry, operator: TestClient
) -> None:
    queue, run = kit._parts.backends.queue, kit._parts.portal.run
    id = make(kit, operator, format="csv", source="events")
    job = run(kit.jobs.get(id))
    old = {name: value for name, value in job.params.items() if name != "properties"}
    run(queue.expire(id))
    assert run(queue.retry(id, params=old)) is not None
    assert finish(kit, id).params == old
    assert [one["job_id"] for one in operator.get(PATH).json()["items"]] == [id]
    told = operator.get(f"{PATH}/{id}").json()
    assert told["status"] == "completed"
    assert operator.get(told["download_url"].removeprefix("/telemetry")).status_code == 200
    run(queue.expire(id))
    assert operator.post(f"{PATH}/{id}/retry").status_code == 202
    assert finish(kit, id).status == "completed"
    host = run(kit.jobs.submit("export", old))
    assert finish(kit, host.id).status == "completed"
