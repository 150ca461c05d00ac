"""A drill finds the gateway by the state directory, alone and with workers."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from shipworthy.flows import drill as flow
from shipworthy.runtime.address import FILE
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import SharedClock
from tests.flows.tiny import Tiny
from tests.runtime.served import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("flags", "replicas"), [((), ["gateway"]), (("--workers=2",), ["worker-0", "worker-1"])])
def test_the_served_site_says_where_it_listens_until_it_leaves(
    shipped: Tiny, flags: tuple[str, ...], replicas: list[str]
) -> None:
    home, path = shipped.workspace.home, shipped.at / "clock"
    clock = SharedClock(path, shipped.clock())
    command = [sys.executable, "-m", "tests.runtime.child", str(path), str(shipped.root), str(home), "0", *flags]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        try:
            wait_until((home / FILE).exists, 60)
            workspace = Workspace(root=shipped.root, home=home, clock=clock)
            found = flow.drill(workspace, "kill", "ana", trips=1)
            assert (found.verdict, [one.name for one in found.replicas]) == ("passed", replicas), found.because
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(30)
    assert not (home / FILE).exists()
