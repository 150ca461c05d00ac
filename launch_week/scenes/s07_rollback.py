"""Scene 7: the candidate's process is killed with SIGKILL while requests run; not one request is lost."""

from __future__ import annotations

import os
import signal
import threading
import time

from launch_week.launch import CHOSEN, Launch
from launch_week.traffic import Claim
from launch_week.world import wait_until

WORKERS = 6
PER_WORKER = 120


def play(launch: Launch) -> None:
    """Six connections ask at once; a third of the way in the candidate dies."""
    say = launch.record
    say.scene(7, "Rollback under load: SIGKILL, and no lost request")
    claims = [claim for claim in launch.week if claim.row["tenant"] in CHOSEN and not claim.unfamiliar]
    mine = [claim for claim in claims if claim.answer["arm"] == "candidate"]
    asked = (mine * 20 + claims)[: WORKERS * PER_WORKER]
    pid = launch.gateway.status()["pids"]["2"]
    answers: list[tuple[float, int, str]] = []
    killed_at: list[float] = []
    threads = [
        threading.Thread(target=_ask, args=(launch, asked[worker::WORKERS], answers)) for worker in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(answers) > len(asked) // 3, 30, "the first third of the answers")
    killed_at.append(time.monotonic())
    os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join(60)
    failed = [status for _, status, _ in answers if status != 200]
    rescued = sum(at > killed_at[0] and version == "1" for at, _, version in answers)
    before = sum(at <= killed_at[0] and version == "2" for at, _, version in answers)
    say.claim(
        "0 requests fail while the candidate's process is killed",
        not failed and len(answers) == len(asked),
        f"{len(failed)} of {len(answers)} failed",
    )
    say.claim(
        "the warm baseline answers what the candidate would have",
        rescued > 50 and before > 50,
        f"{rescued} by version 1 after the kill, {before} by version 2 before it",
    )
    wait_until(lambda: launch.gateway.status()["pids"].get("2", pid) != pid, 30, "the candidate's process to come back")
    back = launch.gateway.status()["pids"].get("2")
    say.claim(
        "its process is supervised and comes back",
        back is not None and back != pid and _alive(back) and not _alive(pid),
        f"a new process within {time.monotonic() - killed_at[0]:.1f} s",
    )
    aborted = launch.world.verb("rollout", "abort", "--as", "ana")
    launch.world.clock.advance(60)
    after = launch.client.post("/decide", {"row": mine[0].row})[1]
    say.claim(
        "the rollout is aborted with one command", aborted.code == 0 and after["version"] == "1", aborted.out.strip()
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ask(launch: Launch, claims: list[Claim], answers: list[tuple[float, int, str]]) -> None:
    with launch.gateway.client() as client:
        for claim in claims:
            launch.world.clock.advance(0.05)
            status, body, _ = client.post("/decide", {"row": claim.row})
            answers.append((time.monotonic(), status, str(body.get("version", ""))))
