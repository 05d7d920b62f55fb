"""Storefronts of resellers: an app of its own, mounted at a path with a parameter."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from .desk import Desk, TheDesk
from .errors import NotFound
from .model import Artifact, ArtifactPage
from .seed import RESELLERS


def tenant_of(connection: HTTPConnection) -> str:
    """The reseller in the path of the mount; raises NotFound for one we do not know."""
    tenant: str = connection.path_params["tenant"]
    if tenant not in RESELLERS:
        raise NotFound("tenant", tenant)
    return tenant


Tenant = Annotated[str, Depends(tenant_of)]


async def list_catalogue(desk: TheDesk, tenant: Tenant) -> ArtifactPage:
    offered = [artifact for artifact in desk.stock.artifacts() if _offers(tenant, artifact)]
    return ArtifactPage(items=offered[:20], total=len(offered))


async def get_offer(desk: TheDesk, tenant: Tenant, artifact_id: str) -> Artifact:
    artifact = desk.stock.artifact(artifact_id)
    if not _offers(tenant, artifact):
        raise NotFound("artifact", artifact_id)
    return artifact


def create_storefront(desk: Desk) -> FastAPI:
    """To be mounted at ``/tenants/{tenant}``."""
    app = FastAPI(title="Acme storefront", openapi_url=None)
    app.state.desk = desk
    app.add_api_route("/catalogue", list_catalogue)
    app.add_api_route("/catalogue/{artifact_id}", get_offer)
    return app


def _offers(tenant: str, artifact: Artifact) -> bool:
    return int(artifact.id[1:]) % len(RESELLERS) == RESELLERS.index(tenant)
