"""The tree of routes of an ASGI app, as far as it can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.routing import Host, Mount

_DEEPEST = 16
#: How the template of a mount ends.
REST = "/{path}"


class Leaf(NamedTuple):
    """A route that can answer, or a mount that hands on to an app which shows no routes."""

    #: From the outermost router: ``/tenants/{tenant}/items/{id}``; of a mount ``/static/{path}``.
    template: str
    #: What the scope names as ``endpoint``.
    endpoint: object
    #: What the scope may name as ``route``, or as ``effective_route_context`` of FastAPI.
    owner: object
    #: Those of the mounts above, then its own.
    patterns: tuple[re.Pattern[str], ...]

    def fits(self, scope: Mapping[str, Any]) -> bool:
        """Whether the path of a request leads here."""
        path = path_below(scope, scope.get("app_root_path", scope.get("root_path", "")))
        for pattern in self.patterns:
            match = pattern.match(path)
            if match is None:
                return False
            path = "/" + match.groupdict().get("path", "")
        return True


class _Branch(NamedTuple):
    prefix: str
    patterns: tuple[re.Pattern[str], ...]
    depth: int


def path_below(scope: Mapping[str, Any], root: str) -> str:
    """The path of a request below a root path; the whole path if the server leaves the root out of it."""
    path: str = scope["path"]
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
        return path[len(root) :]
    return path


def leaves(router: object) -> Iterator[Leaf]:
    """Every leaf below a router, in the order in which the routers look."""
    return _leaves(router, _Branch("", (), 0))


def _leaves(router: object, branch: _Branch) -> Iterator[Leaf]:
    if branch.depth > _DEEPEST:
        return
    for owner, route in _owned(_routes(router)):
        if isinstance(route, Host):
            yield from _leaves(route.app, branch._replace(depth=branch.depth + 1))
            continue
        template = getattr(route, "path_format", None)
        pattern = getattr(route, "path_regex", None)
        if not isinstance(template, str) or pattern is None:
            continue
        patterns = (*branch.patterns, pattern)
        if isinstance(route, Mount):
            yield Leaf(branch.prefix + template, route.app, owner, patterns)
            below = branch.prefix + template.removesuffix(REST)
            yield from _leaves(route, _Branch(below, patterns, branch.depth + 1))
        else:
            yield Leaf(branch.prefix + template, getattr(route, "endpoint", None), owner, patterns)


def _routes(router: object) -> Sequence[object]:
    """The routes of a router, of a mount, or of an app below middleware that follows the custom of ``self.app``."""
    for _ in range(_DEEPEST):
        routes = getattr(router, "routes", None)
        if isinstance(routes, Sequence) and routes:
            return tuple(routes)
        router = getattr(router, "app", None)
    return ()


def _owned(routes: Sequence[object]) -> Iterator[tuple[object, object]]:
    """Each route with the object that a scope names it by; FastAPI's included routers are opened."""
    for route in routes:
        candidates = getattr(route, "effective_candidates", None)
        if not callable(candidates):
            yield route, route
            continue
        for candidate in candidates():
            if hasattr(candidate, "effective_candidates"):
                yield from _owned((candidate,))
            else:
                yield candidate, getattr(candidate, "starlette_route", None) or candidate
