"""JSON Web Tokens, with real keys and an issuer on this machine that publishes them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support.waiting import PATIENCE

from telemetrykit.contracts.web import Authenticator, Connection
from telemetrykit.errors import BackendUnavailable, ConfigurationError, MissingDependency, Unauthenticated
from telemetrykit.plugins.auth import jwt as plugin
from telemetrykit.plugins.auth.jwks import KEEP, UNKNOWN_EVERY, KeySet
from telemetrykit.plugins.auth.jwt import JWTAuthenticator
from telemetrykit.settings import Settings

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def published(**keys: Any) -> bytes:
    """A JWK Set of these keys by their ids."""
    algorithms = {
        kid: jwt.algorithms.ECAlgorithm if key is EC else jwt.algorithms.RSAAlgorithm for kid, key in keys.items()
    }
    sets = [{**algorithms[kid].to_jwk(key.public_key(), as_dict=True), "kid": kid} for kid, key in keys.items()]
    return json.dumps({"keys": sets}).encode()


class Issuer:
    """Publishes keys on loopback; ``asked`` counts the requests."""

    def __init__(self) -> None:
        self.body, self.status, self.asked = published(rsa=RSA, ec=EC), 200, 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.stop()


class Watch:
    """A monotonic clock to move."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def authenticator(issuer: Issuer, watch: Watch | None = None, **more: Any) -> JWTAuthenticator:
    options = {"jwt_jwks_url": issuer.url, "jwt_audience": "shop", "jwt_issuer": "https://issuer.example", **more}
    return JWTAuthenticator(Settings(**options), KeySet(issuer.url, monotonic=watch or Watch()))


def token(key: Any = RSA, kid: str | None = "rsa", algorithm: str = "RS256", /, **claims: Any) -> str:
    now = int(time.time())
    content = {
        "sub": "ada",
        "aud": "shop",
        "iss": "https://issuer.example",
        "exp": now + 60,
        "roles": ["viewer"],
        **claims,
    }
    given = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def connection(bearer: str) -> Connection:
    headers = {"authorization": f"Bearer {bearer}"}
    return Connection(
        scheme="http", method="GET", path="/", headers=headers, cookies={}, query={}, client=None, state={}
    )


@pytest.mark.parametrize(("key", "kid", "algorithm"), [(RSA, "rsa", "RS256"), (EC, "ec", "ES256")])
async def test_a_good_token_stands_for_its_subject(issuer: Issuer, key: Any, kid: str, algorithm: str) -> None:
    one = authenticator(issuer)
    found = await one.authenticate(connection(token(key, kid, algorithm, tenant="acme", roles=["operator", "other"])))
    assert found is not None
    assert (found.id, found.tenant, found.roles) == ("ada", "acme", {"operator"})
    assert isinstance(one, Authenticator)
    await one.close()


@pytest.mark.parametrize(
    ("roles", "expected"), [("viewer admin", {"viewer", "admin"}), (["boss"], set()), (None, set()), ({"a": 1}, set())]
)
async def test_roles_of_the_issuer_that_mean_nothing_here_give_nothing(
    issuer: Issuer, roles: Any, expected: set[str]
) -> None:
    one = authenticator(issuer)
    found = await one.authenticate(connection(token(roles=roles)))
    assert found is not None
    assert (found.roles, found.tenant) == (expected, "default")
    await one.close()


async def test_claims_may_lie_deeper(issuer: Issuer) -> None:
    one = authenticator(issuer, jwt_roles_claim="realm_access.roles", jwt_tenant_claim="https://x.example/tenant")
    claims = {"realm_access": {"roles": ["admin"]}, "https://x.example/tenant": "acme"}
    found = await one.authenticate(connection(token(**claims)))
    assert found is not None
    assert (found.roles, found.tenant) == ({"admin"}, "acme")
    await one.close()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"sub": None},
        {"tenant": 5},
        {"tenant": ""},
    ],
)
async def test_a_token_with_a_bad_claim_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    one = authenticator(issuer)
    with pytest.raises(Unauthenticated):
        await one.authenticate(connection(token(**claims)))
    await one.close()


async def test_a_token_that_is_not_signed_by_the_issuer_is_refused(issuer: Issuer) -> None:
    one = authenticator(issuer)
    good = token()
    forged = [
        token(OTHER_RSA),
        token(EC, "rsa", "ES256"),
        token("x" * 64, "rsa", "HS256"),
        jwt.encode({"sub": "ada"}, None, algorithm="none"),
        good[:-8] + "AAAAAAAA",
        token(OTHER_RSA, "unknown"),
    ]
    for text in forged:
        with pytest.raises(Unauthenticated):
            await one.authenticate(connection(text))
    assert await one.authenticate(connection(good)) is not None
    await one.close()


@pytest.mark.parametrize("text", ["", "abc", "a.b", "a.b.c", "a.b.c.d", "..", "x" * 20_000 + ".b.c"])
async def test_what_is_no_jwt_is_somebody_elses(issuer: Issuer, text: str) -> None:
    assert await authenticator(issuer).authenticate(connection(text)) is None
    assert issuer.asked == 0


async def test_keys_are_fetched_once_and_again_when_a_new_one_signs(issuer: Issuer) -> None:
    watch = Watch()
    one = authenticator(issuer, watch)
    for _ in range(3):
        await one.authenticate(connection(token()))
    assert issuer.asked == 1
    issuer.body = published(rsa=RSA, new=OTHER_RSA)
    with pytest.raises(Unauthenticated):
        await one.authenticate(connection(token(OTHER_RSA, "new")))
    assert issuer.asked == 1
    watch.seconds += UNKNOWN_EVERY
    assert await one.authenticate(connection(token(OTHER_RSA, "new"))) is not None
    assert issuer.asked == 2
    await one.close()


async def test_a_withdrawn_key_is_good_for_ten_minutes_at_most(issuer: Issuer) -> None:
    watch = Watch()
    one = authenticator(issuer, watch)
    await one.authenticate(connection(token()))
    issuer.body = published(ec=EC)
    watch.seconds += KEEP
    with pytest.raises(Unauthenticated):
        await one.authenticate(connection(token()))
    await one.close()


async def test_a_single_key_needs_no_id(issuer: Issuer) -> None:
    issuer.body = published(rsa=RSA)
    one = authenticator(issuer)
    assert await one.authenticate(connection(token(RSA, None))) is not None
    await one.close()


@pytest.mark.parametrize(
    ("status", "body"), [(500, b""), (302, b""), (200, b"[]"), (200, b"not JSON"), (200, b"{}"), (200, b" " * 300_000)]
)
async def test_an_issuer_that_publishes_no_keys_is_a_backend_that_is_away(
    issuer: Issuer, status: int, body: bytes
) -> None:
    issuer.status, issuer.body = status, body
    one = authenticator(issuer)
    with pytest.raises(BackendUnavailable):
        await one.authenticate(connection(token()))
    await one.close()


async def test_known_keys_are_kept_while_the_issuer_is_away(issuer: Issuer) -> None:
    watch = Watch()
    one = authenticator(issuer, watch)
    await one.authenticate(connection(token()))
    issuer.status = 500
    watch.seconds += KEEP
    assert await one.authenticate(connection(token())) is not None
    await one.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"jwt_jwks_url": "http://issuer.example/keys", "jwt_audience": "a"}, "https"),
        ({"jwt_jwks_url": "file:///etc/keys", "jwt_audience": "a"}, "https"),
        ({"jwt_jwks_url": "https://issuer.example/keys"}, "jwt_audience"),
        ({"jwt_jwks_url": "https://issuer.example/keys", "jwt_audience": "a", "jwt_algorithms": "none"}, "'none'"),
        ({"jwt_jwks_url": "https://issuer.example/keys", "jwt_audience": "a", "jwt_algorithms": "HS256"}, "'HS256'"),
    ],
)
def test_a_configuration_that_is_not_safe_is_refused_in_words(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        list(plugin.register_authenticators(Settings(**options)))


def test_without_a_url_there_is_no_authenticator() -> None:
    assert list(plugin.register_authenticators(Settings())) == []


def test_a_missing_library_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"pip install 'telemetrykit\[jwt\]'"):
        list(plugin.register_authenticators(Settings(jwt_jwks_url="https://issuer.example", jwt_audience="a")))


def test_a_child_that_is_forked_while_keys_are_fetched_fetches_them_for_itself() -> None:
    script = r"""
import asyncio, os, socket, sys, threading, warnings
from telemetrykit.plugins.auth.jwks import KeySet

warnings.simplefilter("ignore", DeprecationWarning)
listener = socket.create_server(("127.0.0.1", 0))
keys = KeySet(f"http://127.0.0.1:{listener.getsockname()[1]}/")

async def find():
    assert await keys.find("rsa") is not None
    await keys.close()

def answer(caller):
    caller.recv(4096)
    caller.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + sys.argv[1].encode())
    caller.shutdown(socket.SHUT_RDWR)
    caller.close()

asking = threading.Thread(target=asyncio.run, args=[find()])
asking.start()
first, _ = listener.accept()
child = os.fork()
if child == 0:
    asyncio.run(find())
    os._exit(0)
second, _ = listener.accept()
answer(second)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
answer(first)
asking.join()
"""
    command = [sys.executable, "-c", script, published(rsa=RSA).decode()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")
