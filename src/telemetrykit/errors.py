"""Every error that telemetrykit raises on purpose.

TelemetryError
├── ConfigurationError
│   ├── UnknownScheme
│   ├── DuplicateName
│   ├── MissingDependency
│   └── PluginError
├── RequestError
│   ├── InvalidRequest        400, 422
│   ├── Unauthenticated       401
│   ├── Forbidden             403
│   ├── NotFound              404
│   ├── Conflict              409
│   ├── Gone                  410
│   ├── TooLarge              413
│   ├── UnsupportedMediaType  415
│   └── TooMany               429
├── BackendUnavailable        503
├── DeliveryError
└── JobError
    ├── JobCancelled
    ├── JobTimeout
    ├── JobFailed
    └── WorkerLost

The docstring of a class is its default message, so both stay true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: what to do, and a JSON pointer to it (``#/where/op``)."""

    detail: str
    pointer: str = "#"

    def to_json(self) -> dict[str, str]:
        return {"detail": self.detail, "pointer": self.pointer}


class TelemetryError(Exception):
    """Something in telemetrykit went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class ConfigurationError(TelemetryError):
    """The configuration cannot work."""


class UnknownScheme(ConfigurationError):
    """No installed plugin knows the scheme of this URL."""


class DuplicateName(ConfigurationError):
    """Two installed plugins bring a part of the same name."""


class MissingDependency(ConfigurationError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed. Run: pip install 'telemetrykit[{extra}]'")


class PluginError(ConfigurationError):
    """A plugin could not be loaded or registered."""


class RequestError(TelemetryError):
    """The request cannot be answered."""

    status = 400
    title = "Bad request"

    def __init__(
        self, message: str | None = None, *, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.errors = tuple(errors)
        self.headers = headers or {}


class InvalidRequest(RequestError):
    """The request is not valid."""

    title = "Invalid request"

    def __init__(self, message: str | None = None, *, errors: Sequence[FieldError] = (), status: int = 422) -> None:
        super().__init__(message, errors=errors)
        self.status = status


class Unauthenticated(RequestError):
    """Credentials are missing or not valid."""

    status = 401
    title = "Not authenticated"


class Forbidden(RequestError):
    """This principal may not do that."""

    status = 403
    title = "Forbidden"


class NotFound(RequestError):
    """There is no such thing here."""

    status = 404
    title = "Not found"


class Conflict(RequestError):
    """The thing is not in a state that allows this."""

    status = 409
    title = "Conflict"


class Gone(RequestError):
    """The thing was here and has expired."""

    status = 410
    title = "Gone"


class TooLarge(RequestError):
    """The body is larger than the limit."""

    status = 413
    title = "Body too large"


class UnsupportedMediaType(RequestError):
    """The content type is not one that this endpoint reads."""

    status = 415
    title = "Unsupported media type"


class TooMany(RequestError):
    """Too many requests: wait, then try again."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(message, headers={"Retry-After": str(retry_after)})


class BackendUnavailable(TelemetryError):
    """A backend does not answer; the kit retries and is degraded meanwhile."""


class DeliveryError(TelemetryError):
    """Something could not be sent out; it is tried again."""


class JobError(TelemetryError):
    """A job did not do what it was to do."""


class JobCancelled(JobError):
    """The job was told to stop."""


class JobTimeout(JobError):
    """The job took longer than it may."""


class JobFailed(JobError):
    """The job failed, and says itself how to go on.

    ``permanent``: trying again would not help. ``retry_after``: seconds before which it would not help.
    """

    def __init__(
        self, message: str | None = None, *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class WorkerLost(JobError):
    """The worker died over this job more often than it may."""
