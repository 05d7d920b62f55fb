"""Artifacts: list, search, create, export, check the licence, download."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, BackgroundTasks, Query
from fastapi.responses import StreamingResponse

from .desk import Desk, TheDesk
from .model import Artifact, ArtifactDraft, ArtifactPage, ExportReceipt, ExportRequest, Kind, Licence

CHUNK = 16_384

logger = logging.getLogger("acme.artifacts")
router = APIRouter(tags=["artifacts"])

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0)]


@router.get("/artifacts")
async def list_artifacts(
    desk: TheDesk, kind: Kind | None = None, limit: Limit = 20, offset: Offset = 0
) -> ArtifactPage:
    return _page(desk.stock.artifacts(kind=kind), limit, offset)


@router.get("/search")
async def search(
    desk: TheDesk, q: Annotated[str, Query(min_length=2, max_length=80)], limit: Limit = 20, offset: Offset = 0
) -> ArtifactPage:
    found = desk.stock.artifacts(text=q)
    if not found:
        logger.info("nothing found for %r", q)
    return _page(found, limit, offset)


@router.get("/artifacts/{artifact_id}")
async def get_artifact(desk: TheDesk, artifact_id: str) -> Artifact:
    return desk.stock.artifact(artifact_id)


@router.post("/artifacts", status_code=201)
async def create_artifact(desk: TheDesk, draft: ArtifactDraft, tasks: BackgroundTasks) -> Artifact:
    artifact = desk.stock.add_artifact(draft)
    desk.emit("artifact.created", subject=artifact.id, kind=artifact.kind, author=artifact.author)
    tasks.add_task(save_artifact, desk, artifact)
    return artifact


@router.post("/artifacts/{artifact_id}/export", status_code=202)
async def export_artifact(
    desk: TheDesk, artifact_id: str, wanted: ExportRequest, tasks: BackgroundTasks
) -> ExportReceipt:
    artifact = desk.stock.artifact(artifact_id)
    tasks.add_task(finish_export, desk, artifact, wanted)
    return ExportReceipt(artifact_id=artifact.id, format=wanted.format)


@router.get("/artifacts/{artifact_id}/licence")
async def get_licence(desk: TheDesk, artifact_id: str) -> Licence:
    """The endpoint that fails: the licence server is slow to answer now and then."""
    artifact = desk.stock.artifact(artifact_id)
    with desk.span("licence", label="ask the licence server", artifact=artifact.id):
        key = await desk.upstream.licence(artifact.id)
    return Licence(artifact_id=artifact.id, key=key)


@router.get("/artifacts/{artifact_id}/download")
async def download_artifact(desk: TheDesk, artifact_id: str) -> StreamingResponse:
    artifact = desk.stock.artifact(artifact_id)
    headers = {
        "Content-Disposition": f'attachment; filename="{artifact.id}.bin"',
        "Content-Length": str(artifact.size_bytes),
    }
    return StreamingResponse(_content(desk, artifact), media_type="application/octet-stream", headers=headers)


async def save_artifact(desk: Desk, artifact: Artifact) -> None:
    """What happens after the answer is out: put the file away, then draw its thumbnails."""
    desk.emit("artifact.saved", subject=artifact.id, kind=artifact.kind, bytes=artifact.size_bytes)
    with desk.span("thumbnails", label="draw thumbnails", artifact=artifact.id):
        await anyio.to_thread.run_sync(desk.upstream.draw_thumbnails)
    desk.spend(4, purpose="thumbnails")
    logger.info("thumbnails of %s are ready", artifact.id)


async def finish_export(desk: Desk, artifact: Artifact, wanted: ExportRequest) -> None:
    with desk.span("export", label=f"export as {wanted.format}", artifact=artifact.id):
        await desk.upstream.package()
    desk.spend(9, purpose="exports")
    desk.emit("artifact.exported", subject=artifact.id, format=wanted.format, bytes=artifact.size_bytes)


def _page(found: list[Artifact], limit: int, offset: int) -> ArtifactPage:
    return ArtifactPage(items=found[offset : offset + limit], total=len(found))


async def _content(desk: Desk, artifact: Artifact) -> AsyncIterator[bytes]:
    for start in range(0, artifact.size_bytes, CHUNK):
        await desk.upstream.pause(0.002, 0.02)
        yield bytes(min(CHUNK, artifact.size_bytes - start))
