"""Drills on a site of several processes: every worker is asked, and one that is silent is named."""

from __future__ import annotations

import os
import signal
from typing import Any

from shipworthy.facts import Drill
from shipworthy.flows import drill as flow
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.test_drilling import confirming


def practised(many: Many, kind: str, **more: Any) -> Drill:
    return flow.drill(many.workspace, kind, "ana", url=f"http://127.0.0.1:{many.port}", **{"trips": 1, **more})


def test_every_worker_acknowledges_and_one_that_stands_still_is_named(rolling: Tiny) -> None:
    with Many(rolling, 3) as many:
        names = ["worker-0", "worker-1", "worker-2"]
        found = practised(many, "kill", trips=3)
        assert (found.verdict, [one.name for one in found.replicas]) == ("passed", names), found.because
        assert found.p50_ms is not None
        assert found.p99_ms is not None
        assert found.p50_ms <= found.p99_ms
        many.stop("control")  # who judges is not who is killed
        found = practised(many, "kill")
        assert (found.verdict, [one.name for one in found.replicas]) == ("passed", names), found.because
        os.kill(many.supervisor.children["control"].pid, signal.SIGCONT)
        person = confirming(rolling)
        url = f"http://127.0.0.1:{many.port}"
        played = flow.gameday(many.workspace, "unseen", "ana", url=url, confirm_within_s=20)
        person.join()
        assert played.verdict == "passed", played.because
        assert [one.name for one in played.replicas] == names
        many.stop("worker-1")
        found = practised(many, "kill")
        os.kill(many.supervisor.children["worker-1"].pid, signal.SIGCONT)
        assert found.verdict == "failed"
        assert "silent: worker-1" in found.because
        assert (found.p99_ms, found.replicas[1].took_ms) == (None, None)
        assert found.replicas[0].took_ms is not None
        assert rolling.state().orders == ()


def test_a_game_day_does_not_pass_with_a_worker_that_stands_still(rolling: Tiny) -> None:
    with Many(rolling, 2) as many:
        many.stop("worker-1")
        url = f"http://127.0.0.1:{many.port}"
        found = flow.gameday(many.workspace, "candidate-500", "ana", url=url)
        os.kill(many.supervisor.children["worker-1"].pid, signal.SIGCONT)
        assert found.verdict == "failed"
        assert "silent: worker-1" in found.because
        assert [one.name for one in found.replicas] == ["worker-0", "worker-1"]
        assert rolling.state().orders == ()
