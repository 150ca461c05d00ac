"""Scene 3: the review's scope holds in routing: two jurisdictions are expert-only, tenants are throttled."""

from __future__ import annotations

from launch_week.launch import Launch


def play(launch: Launch) -> None:
    """Ask for expert-only jurisdictions, then flood as one tenant at one instant of the clock."""
    say = launch.record
    say.scene(3, "Scope of the review: expert-only jurisdictions, throttled tenants")
    limited = [claim.row for claim in launch.week if claim.row["jurisdiction"] in ("J5", "J7")][:60]
    others = [claim.row for claim in launch.week if claim.row["jurisdiction"] not in ("J5", "J7")][:200]
    answers = [launch.client.post("/decide", {"row": row})[1] for row in limited]
    by_people = sum(answer["route"] == "person" and "limit:expert-only-j5-j7" in answer["why"] for answer in answers)
    say.claim("every claim of J5 and J7 goes to an expert", by_people == len(limited), f"{by_people} of {len(limited)}")
    machine = sum(launch.client.post("/decide", {"row": row})[1]["route"] == "machine" for row in others)
    say.claim("elsewhere machines do answer", machine > 0, f"{machine} of {len(others)}")
    _flood(launch)
    _drill(launch)


def _drill(launch: Launch) -> None:
    """Pull the kill switch before anybody needs it: for the synthetic tenant, on the site that serves."""
    before = launch.orders()
    ran = launch.world.verb("drill", "kill", "--as", "ana", "--json")
    drill = ran.json()["drill"] if ran.code in (0, 1) else {}
    launch.record.claim(
        "the kill switch is practised first: every replica obeys in time, and nothing is left held",
        ran.code == 0 and drill["verdict"] == "passed" and launch.orders() == before,
        f"exit {ran.code}: p99 {drill.get('p99_ms')} ms over {len(drill.get('replicas', ()))} times of replicas",
    )


def _flood(launch: Launch) -> None:
    say = launch.record
    burst = launch.throttle("cedar")
    launch.world.clock.advance(60)
    row = next(claim.row for claim in launch.week if claim.row["tenant"] == "cedar")
    neighbour = next(claim.row for claim in launch.week if claim.row["tenant"] == "dogwood")
    seen = [launch.client.post("/decide", {"row": row}) for _ in range(burst + 25)]
    admitted = sum(status == 200 for status, _, _ in seen)
    refused = [headers for status, _, headers in seen if status == 429]
    say.claim(
        "at one instant a tenant gets exactly its burst, then 429 with Retry-After",
        admitted == burst and len(refused) == 25 and all("retry-after" in headers for headers in refused),
        f"{admitted} admitted of {len(seen)}, burst {burst}",
    )
    status, _, _ = launch.client.post("/decide", {"row": neighbour})
    say.claim("its neighbour is not throttled", status == 200, f"status {status}")
    launch.world.clock.advance(60)
    status, _, _ = launch.client.post("/decide", {"row": row})
    say.claim("a minute later it is served again", status == 200, f"status {status}")
