"""Reads query parameters by their schemas."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from ..errors import InvalidRequest, Unauthenticated
from ..model.problems import Problems, pointer_token, unknown
from ..runtime.schema import compile_schema
from .endpoint import Parameter, Schema

_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MOST = 100
_CREDENTIALS = frozenset({"token", "access_token", "api_key", "apikey", "authorization", "bearer", "jwt"})


class QueryReader:
    """Reads the query of one endpoint. InvalidRequest names every parameter that is wrong, and what would be right."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._parameters = {parameter.name: parameter for parameter in parameters}
        self._checks = {parameter.name: compile_schema(parameter.schema) for parameter in parameters}

    def read(self, query: bytes) -> dict[str, Any]:
        """The parameters that were given, and the defaults of the others."""
        problems = Problems()
        given = self._given(_pairs(query), problems)
        values = {name: self._value(name, text, problems) for name, text in given.items()}
        problems.raise_any()
        return {**self._defaults(), **values}

    def _given(self, pairs: Sequence[tuple[str, str]], problems: Problems) -> dict[str, str]:
        given = dict(pairs)
        self._refuse_unknown(given, problems)
        for name, times in Counter(name for name, _ in pairs).items():
            if times > 1 and name in self._parameters:
                problems.add(f"{name} is given {times} times: give it once", f"#/{name}")
        return {name: text for name, text in given.items() if name in self._parameters}

    def _refuse_unknown(self, given: Mapping[str, str], problems: Problems) -> None:
        if any(name.lower() in _CREDENTIALS for name in given if name not in self._parameters):
            raise Unauthenticated(
                "Credentials in a URL end up in logs and are not looked at: send the header Authorization, or for a "
                "stream a ticket of POST api/v1/stream/tickets."
            )
        for name in given:
            if not self._parameters:
                problems.add(f"this address takes no parameters: leave out {name[:40]!r}", f"#/{pointer_token(name)}")
            elif name not in self._parameters:
                problems.add(unknown(name, self._parameters, "parameter"), f"#/{pointer_token(name)}")

    def _value(self, name: str, text: str, problems: Problems) -> Any:
        parameter = self._parameters[name]
        value: Any = int(text) if _takes_integers(parameter.schema) and _INTEGER.fullmatch(text) else text
        if self._checks[name](value):
            problems.add(f"{name} {self._why_not(parameter, text)}", f"#/{name}")
        return value

    def _why_not(self, parameter: Parameter, text: str) -> str:
        longest = parameter.schema.get("maxLength")
        if longest is not None and len(text) > longest:
            return f"has {len(text)} characters: at most {longest} are read"
        plus = " (a + in a URL is a space: write %2B)" if self._fits(parameter, text.replace(" ", "+")) else ""
        return f"must be {parameter.expects}, not {text[:40]!r}{plus}"

    def _fits(self, parameter: Parameter, text: str) -> bool:
        return not self._checks[parameter.name](text)

    def _defaults(self) -> dict[str, Any]:
        return {name: p.schema["default"] for name, p in self._parameters.items() if "default" in p.schema}


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError as error:
        what = (
            "is not percent-encoded UTF-8" if isinstance(error, UnicodeError) else f"has more than {_MOST} parameters"
        )
        raise InvalidRequest(f"The query {what}.", status=400) from None


def _takes_integers(schema: Schema) -> bool:
    return schema.get("type") == "integer" or any(map(_takes_integers, schema.get("anyOf", ())))
