"""What a process must do when it finds itself forked."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import MethodType
from weakref import WeakMethod


def after_fork(renew: Callable[[], None]) -> None:
    """Call a bound method in every child that is forked while its object lives; the object is not kept alive.

    Nothing happens where a platform does not fork. The interpreter has no way to take such a call back, so a few
    hundred bytes stay behind for each.
    """
    if not isinstance(renew, MethodType):
        raise TypeError("after_fork takes a bound method: a plain function would be gone at once, or stay for ever")
    method = WeakMethod(renew)

    def in_child() -> None:
        alive = method()
        if alive is not None:
            alive()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)
