"""Artifacts: list, add, download, check the licence."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from .errors import UpstreamTimeout
from .inventory import Artifact
from .shop import Shop, the_shop

CHUNK = 16_384

logger = logging.getLogger("acme.artifacts")
blueprint = Blueprint("artifacts", __name__)


@blueprint.get("/")
def list_artifacts() -> ResponseReturnValue:
    return jsonify(the_shop().stock.artifacts())


@blueprint.get("/<artifact_id>")
def get_artifact(artifact_id: str) -> ResponseReturnValue:
    return jsonify(the_shop().stock.artifact(artifact_id))


@blueprint.post("/")
def add_artifact() -> ResponseReturnValue:
    match request.get_json():
        case {"title": str(title), "price_cents": int(price_cents)} if title and price_cents >= 0:
            shop = the_shop()
            artifact = shop.stock.add_artifact(title, price_cents)
            shop.emit("artifact.created", subject=artifact.id, title=title)
            shop.later(draw_thumbnails, shop, artifact)
            return jsonify(artifact), 201
        case _:
            return jsonify(error='send {"title": text, "price_cents": integer}'), 422


@blueprint.get("/<artifact_id>/download")
def download_artifact(artifact_id: str) -> ResponseReturnValue:
    artifact = the_shop().stock.artifact(artifact_id)
    headers = {"Content-Length": str(artifact.size_bytes)}
    return Response(content_of(artifact), mimetype="application/octet-stream", headers=headers)


@blueprint.get("/<artifact_id>/licence")
def get_licence(artifact_id: str) -> ResponseReturnValue:
    """The endpoint that fails: every third call."""
    shop = the_shop()
    artifact = shop.stock.artifact(artifact_id)
    with shop.span("licence", label="ask the licence server", artifact=artifact.id):
        if next(shop.licence_calls) % 3 == 0:
            raise UpstreamTimeout(f"the licence server did not answer for {artifact.id}")
    return jsonify(artifact_id=artifact.id, key=f"ACME-{artifact.id.upper()}")


def draw_thumbnails(shop: Shop, artifact: Artifact) -> None:
    """Runs in a background thread, after the answer is out."""
    with shop.span("thumbnails", label="draw thumbnails", artifact=artifact.id):
        shop.stock.add_thumbnails(artifact.id, 3)
    shop.emit("artifact.saved", subject=artifact.id, bytes=artifact.size_bytes)
    logger.info("thumbnails of %s are ready", artifact.id)


def content_of(artifact: Artifact) -> Iterator[bytes]:
    for start in range(0, artifact.size_bytes, CHUNK):
        yield bytes(min(CHUNK, artifact.size_bytes - start))
