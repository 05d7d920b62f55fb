"""Telling the kit's own apps from the host's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from ..runtime.guard import describe
from .route_tree import leaves

logger = logging.getLogger("telemetrykit.capture")


class OwnApp:
    """What every app of the kit that a host mounts is."""


def is_redirect_to_own(scope: Mapping[str, Any]) -> bool:
    """Whether a redirect that no route has given leads to an app of ours: the slash at the end of its path is missing.

    ``scope`` is that of the host's request, answered.
    """
    if "endpoint" in scope:
        return False
    slashed = {**scope, "path": scope["path"] + "/"}
    try:
        return any(isinstance(leaf.endpoint, OwnApp) and leaf.fits(slashed) for leaf in leaves(scope.get("router")))
    except Exception as error:  # noqa: BLE001 - an app may put anything there, and is in the middle of its answer
        logger.debug("the routes cannot be read: %s", describe(error), extra={"action": "route.unknown"})
        return False
