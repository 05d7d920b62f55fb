"""What a process must do when it forks, and when it finds itself forked."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import MethodType
from weakref import WeakMethod

Step = Callable[[], None]


def after_fork(renew: Step) -> None:
    """Call a bound method in every child that is forked while its object lives; the object is not kept alive.

    Nothing happens where a platform does not fork. The interpreter has no way to take such a call back, so a few
    hundred bytes stay behind for each.
    """
    _register(after_in_child=renew)


def around_fork(*, before: Step, in_parent: Step, in_child: Step) -> None:
    """Like ``after_fork``, for what must be let go of before a fork and is taken up again after it, in the parent."""
    _register(before=before, after_in_parent=in_parent, after_in_child=in_child)


def _register(**steps: Step) -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(**{name: _weakly(step) for name, step in steps.items()})


def _weakly(step: Step) -> Step:
    if not isinstance(step, MethodType):
        raise TypeError("a fork calls a bound method: a plain function would be gone at once, or stay for ever")
    method = WeakMethod(step)

    def call() -> None:
        alive = method()
        if alive is not None:
            alive()

    return call
