"""Which calls another site may have caused."""

from __future__ import annotations

import pytest

from telemetrykit.errors import Forbidden
from telemetrykit.web.csrf import Site, check, site_of


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "site"),
    [
        ("http://a.example", "a.example", "http", Site.OWN),
        ("http://a.example:80", "a.example", "http", Site.OWN),
        ("https://a.example", "a.example:443", "https", Site.OWN),
        ("https://a.example", "a.example", "http", Site.OWN),
        ("https://A.example", "a.EXAMPLE", "https", Site.OWN),
        ("http://[::1]:8000", "[::1]:8000", "http", Site.OWN),
        ("http://localhost:8000", "localhost:8000", "ws", Site.OWN),
        ("http://a.example:8000", "a.example", "http", Site.OTHER),
        ("http://a.example", "a.example:8000", "http", Site.OTHER),
        ("http://a.example.evil", "a.example", "http", Site.OTHER),
        ("http://127.0.0.1", "localhost", "http", Site.OTHER),
        ("null", "a.example", "http", Site.OTHER),
        ("", "", "http", Site.OTHER),
        ("http://a.example:99999", "a.example", "http", Site.OTHER),
        ("http://a.example", "a.example:x", "http", Site.OTHER),
    ],
)
def test_an_origin_is_compared_with_the_host_by_name_and_port(origin: str, host: str, scheme: str, site: Site) -> None:
    assert site_of({"origin": origin, "host": host}, scheme) is site


def test_what_the_browser_says_itself_counts_more_than_the_origin() -> None:
    headers = {"origin": "http://a.example", "host": "a.example", "sec-fetch-site": "cross-site"}
    assert site_of(headers, "http") is Site.OTHER


def test_nothing_is_said_outside_of_browsers() -> None:
    assert site_of({"host": "a.example"}, "http") is Site.UNKNOWN
    check({"host": "a.example"}, "http", by_session=False)
    with pytest.raises(Forbidden, match="Authorization"):
        check({"host": "a.example"}, "http", by_session=True)


def test_only_a_bearer_token_is_proof_since_browsers_send_others_by_themselves() -> None:
    headers = {"sec-fetch-site": "cross-site"}
    check({**headers, "authorization": "bearer abc"}, "http", by_session=False)
    with pytest.raises(Forbidden):
        check({**headers, "authorization": "Basic abc"}, "http", by_session=False)
