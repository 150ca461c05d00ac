"""Scene 11: the ledger verifies, tampering shows against an exported checkpoint, replay gives the same state."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw

from launch_week.launch import Launch
from launch_week.world import World


def play(world: World, launch: Launch) -> None:
    """Export a checkpoint, verify, then alter one byte and cut the tail in copies of the state directory."""
    say = world.record
    say.scene(11, "The ledger: verified, tampering shown, replayed")
    exported = world.run / "checkpoint.txt"
    exported.write_text(world.verb("ledger", "checkpoint").expect().out, encoding="utf-8")
    verified = world.verb("ledger", "verify", "--against", str(exported))
    say.claim("`ledger verify` passes against the exported checkpoint", verified.code == 0, verified.out.strip())
    for what, tamper in (("altering one stored byte", _alter), ("cutting the tail", _cut)):
        home = world.run / f"state-{tamper.__name__.strip('_')}"
        shutil.copytree(world.home, home)
        tamper(home / "store.db")
        ran = world.verb("ledger", "verify", "--against", str(exported), home=home)
        say.claim(
            f"{what} makes it fail",
            ran.code == 4,
            f"exit {ran.code}: {(ran.out + ran.err).strip().splitlines()[0][:110]}",
        )
    replayed = world.verb("ledger", "replay")
    say.claim("`ledger replay` rebuilds the same state", replayed.code == 0, replayed.out.strip())
    _inert(world, launch)


def _alter(store: Path) -> None:
    with apsw.Connection(str(store)) as db:
        _unguarded(db)
        rows = list(db.execute("SELECT seq, body FROM entries ORDER BY seq"))
        seq, body = rows[len(rows) // 2]
        raw = bytearray(body)
        raw[len(raw) // 2] ^= 0x01
        db.execute("UPDATE entries SET body = ? WHERE seq = ?", (bytes(raw), seq))


def _cut(store: Path) -> None:
    with apsw.Connection(str(store)) as db:
        _unguarded(db)
        db.execute("DELETE FROM entries WHERE seq >= (SELECT max(seq) - 2 FROM entries)")


def _unguarded(db: apsw.Connection) -> None:
    """Whoever can write the file can drop its triggers."""
    for trigger in ("entries_stay", "entries_remain"):
        db.execute(f"DROP TRIGGER {trigger}")


def _inert(world: World, launch: Launch) -> None:
    """The payloads of the remark field appear nowhere in the clear but in the data they came with."""
    payloads = {
        str(claim.row["remark"])
        for claim in launch.week
        if "<" in str(claim.row["remark"]) or "--" in str(claim.row["remark"])
    }
    needles = [payload[:24].encode() for payload in payloads if len(payload) >= 12]
    stored = b"".join(path.read_bytes() for path in sorted(world.home.glob("store.db*")))
    answers = b"".join(str(claim.answer).encode() for claim in launch.week)
    found = [needle for needle in needles if needle in stored or needle in answers]
    world.record.claim(
        "payloads in the remark stay out of answers, ledger and windows",
        not found and len(needles) > 5,
        f"{len(needles)} payloads looked for in {len(stored) // 1024} kB of store and {len(launch.week)} answers",
    )
