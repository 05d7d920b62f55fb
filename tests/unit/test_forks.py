"""What a forked child does first."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.waiting import PATIENCE

from telemetrykit.runtime.forks import after_fork

SCRIPT = """
import gc, os
from telemetrykit.runtime.forks import after_fork

class Kit:
    def __init__(self):
        self.renewed = []
        after_fork(self.renew)

    def renew(self):
        self.renewed.append(os.getpid())

kept, forgotten = Kit(), Kit()
del forgotten
gc.collect()
child = os.fork()
if child == 0:
    os._exit(0 if kept.renewed == [os.getpid()] else 1)
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0
assert kept.renewed == []
"""


def test_a_living_object_is_renewed_in_the_child_only_and_a_dead_one_is_not_missed() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_a_bound_method_is_taken() -> None:
    with pytest.raises(TypeError, match="bound method"):
        after_fork(lambda: None)
