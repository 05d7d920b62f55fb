"""Outgoing HTTP goes where it may, and comes back in time."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.waiting import PATIENCE

from telemetrykit.errors import DeliveryError
from telemetrykit.runtime.addresses import is_public
from telemetrykit.runtime.http import HttpClient, parse_retry_after
from telemetrykit.testing.endpoint import Answer, Endpoint

SECRET = "whsec-very-secret"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as running:
        yield running


@pytest.fixture
def client() -> HttpClient:
    return HttpClient(allow_private=True, timeout=PATIENCE)


def resolving(*addresses: str) -> Callable[[str, int], Any]:
    """A resolver that knows one answer; what it was asked stands in ``asked``."""
    return lambda host, port: [(0, 0, 0, "", (address, port)) for address in addresses]


def test_a_post_arrives_with_its_body_and_headers(endpoint: Endpoint, client: HttpClient) -> None:
    endpoint.answers.append(Answer(202, {"X-Reply": "yes"}, b"thanks"))
    reply = client.post(f"{endpoint.url}/a%20b?x=1&y=%C3%A9", b"body", {"Content-Type": "text/plain", "X-Own": "1"})
    assert (reply.status, reply.body, reply.headers["x-reply"], reply.retry_after) == (202, b"thanks", "yes", None)
    (received,) = endpoint.requests
    assert (received.method, received.path, received.body) == ("POST", "/a%20b?x=1&y=%C3%A9", b"body")
    assert received.headers["host"] == f"127.0.0.1:{endpoint.port}"
    assert (received.headers["content-type"], received.headers["x-own"]) == ("text/plain", "1")
    assert received.headers["user-agent"] == "telemetrykit"


def test_a_redirect_is_an_answer_and_is_not_followed(endpoint: Endpoint, client: HttpClient) -> None:
    endpoint.answers.append(Answer(302, {"Location": f"{endpoint.url}/elsewhere"}))
    assert client.post(endpoint.url, b"", {}).status == 302
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("status", [204, 400, 404, 410, 429, 500, 503])
def test_a_bad_status_is_an_answer(endpoint: Endpoint, client: HttpClient, status: int) -> None:
    endpoint.answers.append(Answer(status))
    assert client.post(endpoint.url, b"", {}).status == status


def test_retry_after_is_read(endpoint: Endpoint, client: HttpClient) -> None:
    endpoint.answers.append(Answer(503, {"Retry-After": "7"}))
    assert client.post(endpoint.url, b"", {}).retry_after == 7


def test_of_a_long_answer_64_kib_are_read(endpoint: Endpoint, client: HttpClient) -> None:
    endpoint.answers.append(Answer(200, {}, b"x" * 300_000))
    assert client.post(endpoint.url, b"", {}).body == b"x" * 65_536


def test_user_and_password_of_a_url_are_sent_as_basic_credentials(endpoint: Endpoint, client: HttpClient) -> None:
    client.post(endpoint.url.replace("//", "//me:p%40ss@"), b"", {})
    assert endpoint.requests[0].headers["authorization"] == "Basic bWU6cEBzcw=="


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 5 ", 5),
        ("Sat, 21 Nov 2026 09:30:10 GMT", 10),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0),
        ("9" * 400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\u0665", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    now = datetime.datetime(2026, 11, 21, 9, 30, tzinfo=datetime.UTC).timestamp()
    assert parse_retry_after(value, now) == seconds


@pytest.mark.parametrize(
    "address",
    """0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 192.168.1.1 192.0.2.1 198.18.0.1
    203.0.113.5 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 fe80::1 fe80::1%eth0 fc00::1
    fd12::1 fec0::1 ff02::1 ff0e::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1::1 2002:a00:1::
    64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2001:0:7f00:1::1""".split(),  # noqa: SIM905
)
def test_an_address_that_is_not_anybodys_is_not_called(address: str) -> None:
    assert not is_public(address)
    client = HttpClient(allow_private=False, timeout=1, resolve=resolving(address))
    with pytest.raises(DeliveryError, match=r"no public address: .*allow_private_hosts"):
        client.post("http://hooks.example/", b"", {})


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_an_address_of_the_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0", "0x7f.1", "2130706433", "127.1"])
def test_loopback_is_found_out_however_it_is_written(host: str) -> None:
    with pytest.raises(DeliveryError, match=r"no public address|cannot be resolved"):
        HttpClient(allow_private=False, timeout=1).post(f"http://{host}:1/", b"", {})


def test_a_name_is_resolved_once_and_the_checked_address_is_called(endpoint: Endpoint) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Any:
        asked.append((host, port))
        return resolving("127.0.0.1" if len(asked) == 1 else "192.0.2.1")(host, port)

    client = HttpClient(allow_private=True, timeout=PATIENCE, resolve=resolve)
    assert client.post(f"http://hooks.example:{endpoint.port}/x", b"", {}).status == 204
    assert asked == [("hooks.example", endpoint.port)]
    assert endpoint.requests[0].headers["host"] == f"hooks.example:{endpoint.port}"


def test_of_several_addresses_the_next_is_tried_when_one_refuses(endpoint: Endpoint) -> None:
    client = HttpClient(allow_private=True, timeout=PATIENCE, resolve=resolving("127.0.0.2", "127.0.0.1"))
    assert client.post(f"http://hooks.example:{endpoint.port}/", b"", {}).status == 204


def test_among_several_addresses_private_ones_are_passed_over() -> None:
    called: list[str] = []

    class Recorder(HttpClient):
        def _connection(self, target: Any, address: str) -> Any:
            called.append(address)
            raise DeliveryError("recorded")

    client = Recorder(allow_private=False, timeout=1, resolve=resolving("10.0.0.1", "1.1.1.1", "127.0.0.1"))
    with pytest.raises(DeliveryError, match="recorded"):
        client.post("http://hooks.example/", b"", {})
    assert called == ["1.1.1.1"]


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example", "ftp://h/x", "file:///etc/passwd", "http://", "https:///x", "http://[::1", "http://h:99999/"],
)
def test_what_is_no_url_to_call_is_refused(url: str, client: HttpClient) -> None:
    with pytest.raises(DeliveryError, match="write it as https://host/path"):
        client.post(url, b"", {})


def test_a_name_that_does_not_resolve_is_said(client: HttpClient) -> None:
    with pytest.raises(DeliveryError, match=r"^http://nowhere\.invalid: the name cannot be resolved"):
        client.post("http://nowhere.invalid/" + SECRET, b"", {})


def test_a_closed_port_is_said(client: HttpClient) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DeliveryError, match=f"^http://127.0.0.1:{port}: it cannot be connected to"):
        client.post(f"http://127.0.0.1:{port}/", b"", {})


@contextlib.contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that says to its one client whatever ``talk`` says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, contextlib.suppress(OSError):
                talk(peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/{SECRET}"
        thread.join(10)


def silent(peer: socket.socket) -> None:
    while peer.recv(4096):
        pass


def drip(text: bytes) -> Callable[[socket.socket], None]:
    """Say something, then go on a byte at a time until the other side hangs up."""

    def talk(peer: socket.socket) -> None:
        peer.sendall(text)
        peer.settimeout(0.05)
        while True:
            peer.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                if not peer.recv(65_536):
                    return

    return talk


@pytest.mark.parametrize(
    "talk",
    [silent, drip(b"HTTP/1.1 200 OK\r\nX-Slow: "), drip(b"HTTP/1.1 200 OK\r\n\r\n"),
     drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), drip(b"")],
    ids=["silent", "slow header", "slow body", "slow body of known length", "slow status"],
)  # fmt: skip
def test_a_server_that_takes_its_time_is_cut_off(talk: Callable[[socket.socket], None]) -> None:
    with raw_server(talk) as url, pytest.raises(DeliveryError, match=r"within 0\.3 s|not answer in time") as caught:
        HttpClient(allow_private=True, timeout=0.3).post(url, b"x", {})
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300],
    ids=["nothing", "no HTTP", "bad status", "long header", "many headers"],
)  # fmt: skip
def test_a_server_that_talks_nonsense_is_a_delivery_error(answer: bytes, client: HttpClient) -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(answer)

    with raw_server(talk) as url, pytest.raises(DeliveryError, match=r"^http://127\.0\.0\.1:\d+: ") as caught:
        client.post(url, b"x", {"X-Token": SECRET})
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_header_that_cannot_be_sent_is_a_delivery_error_without_its_value(
    endpoint: Endpoint, client: HttpClient
) -> None:
    with pytest.raises(DeliveryError) as caught:
        client.post(endpoint.url, b"", {"X-Token": f"{SECRET}\r\nX-Injected: 1"})
    assert SECRET not in str(caught.value)
    assert endpoint.requests == []


def test_an_answer_that_comes_before_the_body_was_read_counts(client: HttpClient) -> None:
    def talk(peer: socket.socket) -> None:
        peer.recv(100)
        peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(1_000_000):
            pass

    with raw_server(talk) as url:
        assert client.post(url, b"x" * 3_000_000, {}).status == 413


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority for hooks.example and 127.0.0.1, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.DNSName("hooks.example"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[Endpoint, list[str | None]]]:
    """An endpoint with TLS, and the server names that clients asked for."""
    asked: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.sni_callback = lambda sock, name, context: asked.append(name)
    with Endpoint(tls) as running:
        yield running, asked


def trusting(certificate: Path, *addresses: str) -> HttpClient:
    context = ssl.create_default_context(cafile=certificate)
    return HttpClient(allow_private=True, timeout=PATIENCE, resolve=resolving(*addresses), tls=context)


def test_tls_is_spoken_with_the_name_and_not_with_the_address(
    secure: tuple[Endpoint, list[str | None]], certificate: Path
) -> None:
    endpoint, asked = secure
    reply = trusting(certificate, "127.0.0.1").post(f"https://hooks.example:{endpoint.port}/", b"x", {})
    assert reply.status == 204
    assert asked == ["hooks.example"]
    assert endpoint.requests[0].headers["host"] == f"hooks.example:{endpoint.port}"


def test_an_https_url_may_name_an_address(secure: tuple[Endpoint, list[str | None]], certificate: Path) -> None:
    assert trusting(certificate, "127.0.0.1").post(secure[0].url, b"x", {}).status == 204


def test_a_certificate_for_another_name_is_refused(
    secure: tuple[Endpoint, list[str | None]], certificate: Path
) -> None:
    with pytest.raises(DeliveryError, match=r"TLS failed: .*other\.example"):
        trusting(certificate, "127.0.0.1").post(f"https://other.example:{secure[0].port}/", b"x", {})
    assert secure[0].requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(secure: tuple[Endpoint, list[str | None]]) -> None:
    client = HttpClient(allow_private=True, timeout=PATIENCE, resolve=resolving("127.0.0.1"))
    with pytest.raises(DeliveryError, match="TLS failed: self-signed certificate"):
        client.post(f"https://hooks.example:{secure[0].port}/", b"x", {})
