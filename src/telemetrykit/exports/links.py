"""Links that let whoever has them download one file for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Forbidden
from ..runtime.clock import Clock
from ..runtime.signing import Signer

#: Seconds that a link is good for.
LINK_SECONDS = 3600.0
_SECOND = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTarget:
    """What a link opens."""

    job_id: str
    tenant: str
    #: Key of the artifact: a link to a former run opens nothing.
    key: str


class Links:
    """Signs with the newest key and accepts all of them, so that keys can be changed without breaking links."""

    def __init__(self, keys: Sequence[str], clock: Clock) -> None:
        self._signer = Signer(keys, "download")
        self._clock = clock

    def sign(self, target: LinkTarget, seconds: float = LINK_SECONDS) -> str:
        """The signature for the URL."""
        until = self._clock.now() + round(seconds * _SECOND)
        return self._signer.sign({"j": target.job_id, "t": target.tenant, "k": target.key, "x": until})

    def open(self, signature: str, job_id: str) -> LinkTarget:
        """Forbidden for a signature that is not ours, is for another file, or is too old."""
        content = self._signer.read(signature)
        if content is None or content.get("j") != job_id:
            raise Forbidden("This link was not made for this file.")
        if content["x"] <= self._clock.now():
            raise Forbidden("This link has expired. Ask for the export again: it has a new one while the file is kept.")
        return LinkTarget(job_id=content["j"], tenant=content["t"], key=content["k"])
