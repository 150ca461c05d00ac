"""Files of another user, no file left to open, a damaged order of the journal: what can be read holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import RuntimeState
from shipworthy.store.posture import StateFiles
from tests.store.child import child_environ
from tests.store.rows import NOON, ONE, held, state

KEY = bytes(32)
BEGIN = """
import json, os, sys
from pathlib import Path
from datetime import UTC, datetime
from shipworthy.facts import RuntimeState, Scope
from shipworthy.flows.kill_local import kill_local
from shipworthy.runtime.live import Live
from shipworthy.store.posture import StateFiles
home = Path(sys.argv[1])
def kill(version):
    kill_local(home, Scope(model="*", version=version), "stop", "night", datetime.now(UTC))
def begin():
    return Live(StateFiles(home, bytes(32)), "m", "baseline", "nobody", lambda before, after: None)
def tell(live):
    live.epoch()
    found = {version: live.posture(version, "t", {}) for version in ("1", "2")}
    told = {version: [one.source.value, one.decider.value] for version, one in found.items()}
    print(json.dumps({"broken": bool(live.broken), "closed": live.closed("2"), **told}), flush=True)
"""
ANOTHER_USER = """
USER = 65534
for path in [home, *home.rglob("*")]:
    os.chown(path, USER, USER)
ready, told, go, went = *os.pipe(), *os.pipe()
def step():
    os.write(went, b"x")
    os.read(ready, 1)
child = os.fork()
os.close(told if child else went)  # or each would wait for itself when the other is gone
if child == 0:
    os.setgid(USER)
    os.setuid(USER)
    live = begin()
    for _ in range(3):
        os.read(go, 1)
        tell(live)
        os.write(told, b"x")
    os._exit(0)
step()
kill("2")
step()
kill("1")
os.chown(home / "state.json", 0, 0)
step()
os.waitpid(child, 0)
print(json.dumps(sorted({path.stat().st_uid for path in home.rglob("*") if path.name != "state.json"})))
"""
NO_FILES_LEFT = """
import resource
live = begin()
tell(live)
kill("2")
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = []
try:
    while True:
        kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
tell(live)
for one in kept:
    os.close(one)
tell(live)
"""


def site(home: Path) -> StateFiles:
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "host.key").write_bytes(KEY)
    files = StateFiles(home, KEY)
    files.write(RuntimeState(epoch=1, baseline="1"))
    return files


def told(code: str, home: Path) -> list[object]:
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + code, str(home)], env=child_environ(), capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


MACHINE, TO_PEOPLE = ["candidate", "machine"], ["none", "person"]
KILLED = ["none", "nobody"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
def test_what_root_kills_the_gateway_of_another_user_can_read() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        home = Path(folder) / "state"
        site(home)
        before, killed, unreadable, owners = told(ANOTHER_USER, home)
    assert before == {"broken": False, "closed": False, "1": MACHINE, "2": MACHINE}
    assert killed == {"broken": False, "closed": True, "1": MACHINE, "2": KILLED}
    # a twin that only root can read: the candidate closes, and the journal's order over the baseline holds
    assert unreadable == {"broken": True, "closed": True, "1": KILLED, "2": KILLED}
    assert owners == [65534]


def test_without_a_file_left_people_decide_until_there_is_one(tmp_path: Path) -> None:
    """The journal cannot be listed: nobody knows that there is no order over the baseline."""
    site(tmp_path / "state")
    before, none_left, after = told(NO_FILES_LEFT, tmp_path / "state")
    assert before == {"broken": False, "closed": False, "1": MACHINE, "2": MACHINE}
    assert none_left == {"broken": True, "closed": True, "1": TO_PEOPLE, "2": TO_PEOPLE}
    assert after == {"broken": False, "closed": True, "1": MACHINE, "2": KILLED}


def test_one_damaged_order_hides_no_other_and_keeps_none_from_holding(tmp_path: Path) -> None:
    files = site(tmp_path / "state")
    files.journal_kill(held("ORD-A", at=ONE))
    torn = tmp_path / "state" / "journal" / "ORD-B.json"
    torn.write_bytes(b"torn")
    assert files.journal_kill(held("ORD-C", at=NOON))
    found, faults = files.journalled()
    assert sorted(one.order.id for one in found) == ["ORD-A", "ORD-C"]
    assert len(faults) == 1
    assert "ORD-B.json" in faults[0]
    for strict in (files.read, files.unreconciled):
        with pytest.raises(CannotDecide, match="ORD-B"):
            strict()
    for one in ("ORD-A", "ORD-C"):
        files.reconcile(one)
    torn.unlink()
    assert [one.order.id for one in files.read().orders] == ["ORD-A", "ORD-C"]  # the twin has both


def test_a_journal_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    files = site(tmp_path / "state")
    (tmp_path / "state" / "journal").write_bytes(b"in the way")
    assert files.journalled()[0] == ()
    assert files.journalled()[1]
    with pytest.raises(CannotDecide):
        files.read()


def test_only_one_change_at_a_time_and_no_tightening_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipworthy.store.posture.CHANGE_WITHIN_S", 0.02)
    files, other = site(tmp_path / "state"), StateFiles(tmp_path / "state", KEY)
    with files.changing(), files.changing():
        assert other.journal_kill(held())
        with pytest.raises(Unreachable, match="another change"), other.changing():
            pass
    with other.changing():
        assert files.write(state(9))
