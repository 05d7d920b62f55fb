"""As much of curl as the documentation uses, so that no test needs it to be installed."""

from __future__ import annotations

import argparse
import http.client
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

SECONDS = 30.0

_PARSER = argparse.ArgumentParser("curl", exit_on_error=False, allow_abbrev=False)
_PARSER.add_argument("url")
_PARSER.add_argument("-s", action="store_true")
_PARSER.add_argument("-N", action="store_true")
_PARSER.add_argument("-i", action="store_true")
_PARSER.add_argument("-X", dest="method")
_PARSER.add_argument("-H", dest="headers", action="append", default=[])
_PARSER.add_argument("-d", "--data-binary", dest="data")
_PARSER.add_argument("--json")
_PARSER.add_argument("-o", dest="output")


def curl(arguments: list[str], *, lines: int) -> str:
    """What curl would print; of an answer that does not end (``-N``) the first ``lines`` lines."""
    asked = _PARSER.parse_args(_apart(arguments))
    headers = {"User-Agent": "curl/8.9.1", **dict(header.split(": ", 1) for header in asked.headers)}
    body = _body(asked.data if asked.json is None else asked.json)
    if asked.json is not None:
        headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    elif body is not None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    url = urlsplit(asked.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=SECONDS)
    method = asked.method or ("GET" if body is None else "POST")
    connection.request(method, f"{url.path}?{url.query}" if url.query else url.path, body, headers)
    answer = connection.getresponse()
    with closing(connection), answer:
        if asked.output is not None:
            Path(asked.output).write_bytes(answer.read())
            return ""
        said = [answer.readline().decode() for _ in range(lines)] if asked.N else [answer.read().decode()]
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{n}: {v}" for n, v in answer.getheaders()), "", ""]
    return "\n".join(head if asked.i else []) + "".join(said)


def _apart(arguments: list[str]) -> list[str]:
    """``-sN`` as ``-s -N``."""
    return [
        part
        for word in arguments
        for part in ([f"-{letter}" for letter in word[1:]] if word in ("-sN", "-si", "-sX", "-sNi") else [word])
    ]


def _body(text: str | None) -> bytes | None:
    if text is None:
        return None
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
