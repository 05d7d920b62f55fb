"""The template of the route that answered a request, such as ``/tenants/{tenant}/items/{id}``."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping, Sequence
from typing import Any

from ..runtime.guard import describe
from .route_tree import REST, Leaf, leaves, path_below

logger = logging.getLogger("telemetrykit.capture")

#: Where a framework below the routers says which route it took, such as the rule of a Flask app in a mount.
ROUTE = "telemetrykit.route"

_MOST = 4096

Scope = MutableMapping[str, Any]


class RouteNames:
    """Reads templates from ASGI scopes after the app has answered, and remembers them.

    Routers leave in the scope what they took: ``endpoint`` always, ``route`` mostly, and FastAPI an
    ``effective_route_context`` where a router was included with a prefix. None of these knows the mounts above, and
    ``root_path`` holds values, not templates. So the tree of routes is searched, once for each route.
    """

    def __init__(self) -> None:
        #: By the ids of endpoint, route and context: the template, or what it may be and depends on the path.
        self._known: dict[tuple[int, int, int], str | Sequence[Leaf]] = {}
        #: What those ids belong to, so that no other object gets them.
        self._held: list[tuple[object, ...]] = []

    def __call__(self, scope: Scope) -> str | None:
        """The template, relative to the outermost app; None where no route was taken."""
        try:
            fastapi = scope.get("fastapi")
            context = fastapi.get("effective_route_context") if fastapi else None
            endpoint, route = scope.get("endpoint"), scope.get("route")
            known = self._known.get((id(endpoint), id(route), id(context)))
            if known is None:
                known = self._learn(scope, endpoint, route, context)
            return known if known.__class__ is str else _choose(known, scope)
        except Exception as error:  # noqa: BLE001 - an app may put anything there, and is in the middle of its answer
            logger.debug("a route has no name: %s", describe(error), extra={"action": "route.unknown"})
            return None

    def _learn(self, scope: Scope, endpoint: object, route: object, context: object) -> str | Sequence[Leaf]:
        found = _candidates(scope, endpoint, route, context) if endpoint is not None else ()
        known = found[0].template if len(found) == 1 and not found[0].template.endswith(REST) else found
        if len(self._held) >= _MOST:
            self._known.clear()
            self._held.clear()
        self._held.append((endpoint, route, context))
        self._known[id(endpoint), id(route), id(context)] = known
        return known


def _candidates(scope: Scope, endpoint: object, route: object, context: object) -> Sequence[Leaf]:
    found = [leaf for leaf in leaves(scope.get("router")) if leaf.endpoint is endpoint]
    if found:
        # A scope may still name an outer mount, where the inner router does not name its route.
        return [leaf for leaf in found if leaf.owner is context or leaf.owner is route] or found
    taken = context if getattr(context, "original_route", None) is route else route
    template = getattr(taken, "path_format", None)
    if isinstance(template, str) and getattr(taken, "endpoint", None) is endpoint and "app_root_path" not in scope:
        return (Leaf(template, endpoint, taken, ()),)
    return ()


def _choose(known: str | Sequence[Leaf], scope: Scope) -> str | None:
    template = next((leaf.template for leaf in known if isinstance(leaf, Leaf) and leaf.fits(scope)), None)
    if ROUTE in scope:
        return (template or "").removesuffix(REST) + str(scope[ROUTE])
    return template or _frontend(scope)


def _frontend(scope: Scope) -> str | None:
    """The template of FastAPI's ``app.frontend(path)``, which leaves neither route nor endpoint."""
    fastapi = scope.get("fastapi") or {}
    if "frontend_path" not in fastapi or "app_root_path" in scope:
        return None
    path = path_below(scope, scope.get("root_path", ""))
    return path[: fastapi.get("frontend_specificity", 0)] + REST
