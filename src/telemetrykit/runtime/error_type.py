"""The name of an error as OpenTelemetry's ``error.type`` asks for it."""

from __future__ import annotations


def error_type(error: BaseException) -> str:
    """The fully qualified name of the class of an error; built-ins stand without a module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
