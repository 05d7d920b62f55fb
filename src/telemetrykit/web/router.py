"""Finds the endpoint of an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import quote

from ..errors import NotFound
from .endpoint import Endpoint
from .problems import MethodNotAllowed


class Router:
    """Endpoints by address and method."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._plain: dict[str, dict[str, Endpoint]] = {}
        self._patterns: dict[tuple[str, ...], dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            by_method = dict.fromkeys(endpoint.methods, endpoint)
            if endpoint.path_parameters:
                self._patterns.setdefault(endpoint.segments, {}).update(by_method)
            else:
                self._plain.setdefault(endpoint.path, {}).update(by_method)

    def find(self, path: str, method: str) -> tuple[Endpoint, Mapping[str, str]]:
        """The endpoint, and the parameters in the path. NotFound, or MethodNotAllowed with the methods there are."""
        methods, parameters = self._lookup(path) or self._refuse(path)
        endpoint = methods.get(method)
        if endpoint is None:
            allowed = ", ".join(sorted(methods))
            raise MethodNotAllowed(f"Use {allowed} here, not {method[:20]}.", headers={"Allow": allowed})
        return endpoint, parameters

    def _lookup(self, path: str) -> tuple[Mapping[str, Endpoint], Mapping[str, str]] | None:
        if path in self._plain:
            return self._plain[path], {}
        segments = path.split("/")
        for pattern, methods in self._patterns.items():
            parameters = _match(pattern, segments)
            if parameters is not None:
                return methods, parameters
        return None

    def _refuse(self, path: str) -> NoReturn:
        cure = ": leave out the slash at its end" if self._lookup(path.removesuffix("/")) else ""
        raise NotFound(f"There is nothing at {quote(path)[:200]}{cure}.")


def _match(pattern: Sequence[str], segments: Sequence[str]) -> dict[str, Any] | None:
    if len(pattern) != len(segments):
        return None
    found = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{") and segment:
            found[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return found
