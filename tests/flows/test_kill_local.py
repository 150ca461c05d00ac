"""`kill --local` needs the state directory and nothing else, and is written down exactly once by whoever comes back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from shipworthy.errors import CannotDecide, ShipworthyError, UsageError
from shipworthy.facts import Held, Named, Scope
from shipworthy.flows import ledger, posture
from shipworthy.flows.kill_local import kill_local
from shipworthy.flows.site_state import open_site
from shipworthy.respond import postures
from shipworthy.testing.clock import START
from shipworthy.testing.failpoints import VARIABLE
from tests.cli.calls import Left, call
from tests.flows.kill_child import SCOPE
from tests.flows.tiny import MODEL, Tiny
from tests.store.child import child_environ


def kill(tiny: Tiny, scope: Scope = SCOPE, because: str = "wrong letters", who: str = "night shift") -> Held:
    return kill_local(tiny.workspace.home, scope, because, who, tiny.clock())[0]


def ordered(tiny: Tiny) -> list[str]:
    return [entry.body["held"]["order"]["id"] for entry in tiny.entries() if entry.kind == "respond.ordered"]


def verb(tiny: Tiny, *more: str) -> Left:
    """`kill --local` with the state directory alone."""
    args = ("--home", str(tiny.workspace.home), "kill", "--local", "--because", "wrong letters", "--as", "night")
    return call(*args, *more, clock=tiny.clock)


def test_it_holds_is_claimed_and_waits_for_an_operator(rolling: Tiny) -> None:
    held = kill(rolling)
    assert (held.order.by, held.confirmed_by) == ("claimed:night shift", "")
    assert rolling.workspace.state_files().read().orders == (held,)
    assert rolling.workspace.state_files().unreconciled() == (held,)
    with open_site(rolling.workspace) as authority:
        assert authority.state().orders == (held,)
    assert ordered(rolling) == [held.order.id]
    entry = next(one for one in rolling.entries() if one.kind == "respond.ordered")
    assert entry.actor == "claimed:night shift"  # nobody was shown to be anybody
    assert posture.confirm(rolling.workspace, held.order.id, "ana").orders[0].confirmed_by == "ana"
    assert ledger.replay(rolling.workspace).same


def test_nobody_becomes_a_machine_by_saying_so(rolling: Tiny) -> None:
    held = kill(rolling, who="machine")
    assert held.order.by != postures.MACHINE
    assert held.order.by == "claimed:machine"


@pytest.mark.parametrize("words", ["", "  ", "two\nlines", "\x1b[2J gone", "\ud800", "x" * 10_000, "'; --"])
def test_no_words_keep_anybody_from_killing(rolling: Tiny, words: str) -> None:
    held = kill(rolling, because=words, who=words)
    assert "\n" not in held.because + held.order.by
    assert "\x1b" not in held.because + held.order.by
    assert rolling.state().orders == (held,)
    assert ordered(rolling) == [held.order.id]


BROKEN = ["contract", "repository", "store", "locked", "ledger key", "people", "no model"]


@pytest.mark.parametrize("broken", BROKEN)
def test_it_works_with_everything_else_dead(rolling: Tiny, broken: str) -> None:
    home = rolling.workspace.home
    kept = rolling.at / "kept"
    shutil.copytree(home, kept)
    other = None
    if broken == "contract":
        (rolling.root / "shipworthy.yaml").write_text("model: [")
    elif broken in ("repository", "no model"):
        shutil.rmtree(rolling.root)
        if broken == "no model":
            shutil.rmtree(home / "releases")
    elif broken == "store":
        (home / "store.db").write_bytes(b"not a database" * 500)
    elif broken == "locked":
        other = apsw.Connection(str(home / "store.db"))
        other.execute("BEGIN EXCLUSIVE")
    elif broken == "ledger key":
        (home / "keys" / "checkpoint.pem").unlink()
    elif broken == "people":
        shutil.rmtree(home / "keys" / "people")
    root = ("--root", str(rolling.root)) if rolling.root.exists() else ()
    left = call(*root, *_args(rolling), "--version", "2", "--json", clock=rolling.clock)
    if other is not None:
        other.close()
    assert left.code == 0, left.err
    told = left.json()
    assert told["recorded"] is False
    assert told["order"]["order"]["scope"]["version"] == "2"
    assert told["order"]["order"]["scope"]["model"] == "*"  # whatever lies in some folder
    files = rolling.workspace.state_files()
    (held,) = files.read().orders
    assert held.order.posture is Named.KILLED
    assert files.unreconciled() == (held,)


def _args(tiny: Tiny) -> tuple[str, ...]:
    home = str(tiny.workspace.home)
    return ("--home", home, "kill", "--local", "--because", "wrong letters", "--as", "night")


def test_a_kill_for_every_model_is_restored_by_naming_every_model(rolling: Tiny) -> None:
    held = kill(rolling, Scope(model="*", version="2"))
    rolling.clock.advance(60)
    with pytest.raises(UsageError, match="no order holds"):
        posture.restore(rolling.workspace, rolling.scope(version="2"), "ben", "reviewer")
    where = Scope(model="*", version="2")
    assert not posture.restore(rolling.workspace, where, "ben", "reviewer").done
    assert posture.restore(rolling.workspace, where, "ana", "operator").done
    assert held.order.id not in {one.order.id for one in rolling.state().orders}


def test_where_no_site_is_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(CannotDecide, match="no site"):
        kill_local(tmp_path / "state", SCOPE, "x", "x", START)
    assert not (tmp_path / "state").exists()


def test_a_segment_that_cannot_be_read_is_refused_and_announces_nothing(rolling: Tiny) -> None:
    before = rolling.workspace.state_files().read()
    with pytest.raises(UsageError):
        kill(rolling, Scope(model=MODEL, segment="=;="))
    assert rolling.workspace.state_files().read() == before


def test_the_same_twice_is_one_and_two_at_once_are_each_written_once(rolling: Tiny) -> None:
    first = kill(rolling)
    rolling.clock.advance(5)
    assert kill(rolling) == first
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: kill(rolling, because=f"reason {n % 4}"), range(8)))
    names = {one.order.id for one in made} | {first.order.id}
    assert len(names) == 5
    for _ in range(2):
        assert {one.order.id for one in rolling.state().orders} == names
    assert sorted(ordered(rolling)) == sorted(names)
    assert ledger.replay(rolling.workspace).same


def test_two_processes_at_once_give_one_order_and_two_recorders_one_entry(rolling: Tiny) -> None:
    told = [one.stdout.split() for one in _together(rolling, "kill", "kill", "kill")]
    assert len({name for (name,) in told}) == 1
    for one in _together(rolling, "record", "record", "record"):
        assert one.returncode == 0, one.stderr
    assert ordered(rolling) == told[0]
    assert rolling.workspace.state_files().unreconciled() == ()


def _together(tiny: Tiny, *steps: str) -> list[subprocess.CompletedProcess[str]]:
    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(lambda step: child(tiny, step), steps))


def child(tiny: Tiny, step: str, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.flows.kill_child", str(tiny.workspace.home), step]
    environ = child_environ(**({VARIABLE: failpoint} if failpoint else {}))
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


KILL_PLACES = ["map.before:1", "map.after:1", "journal.before:1", "file.write.after:1", "file.rename.before:1"]
KILL_PLACES += ["file.rename.after:1", "journal.after:1", "json.before:1", "file.rename.before:2", "json.after:1"]
KILL_PLACES += ["map.before:2", "map.after:2"]


@pytest.mark.parametrize("place", KILL_PLACES)
def test_killed_at_any_step_it_holds_or_is_given_again_and_is_written_once(rolling: Tiny, place: str) -> None:
    cut = child(rolling, "kill", place)
    assert cut.returncode == -signal.SIGKILL, cut.stderr
    files = rolling.workspace.state_files()
    journalled = bool(files.unreconciled())
    assert journalled == (KILL_PLACES.index(place) >= KILL_PLACES.index("file.rename.after:1"))
    try:
        holds = bool(files.read().orders)
    except CannotDecide:
        holds = False
        assert KILL_PLACES.index(place) >= 1  # announced: candidates are closed meanwhile
    assert holds or place != "map.after:2"
    again = child(rolling, "kill")  # the operator tries again
    assert again.returncode == 0, again.stderr
    assert child(rolling, "record").returncode == 0
    assert [one.order.id for one in files.read().orders] == again.stdout.split()
    assert ordered(rolling) == again.stdout.split()
    assert ledger.replay(rolling.workspace).same


RECORD_PLACES = ["entries.before:1", "entries.after:1", "commit.before:1", "commit.after:1", "journal.before:1"]
RECORD_PLACES += ["journal.after:1"]


@pytest.mark.parametrize("place", RECORD_PLACES)
def test_killed_while_it_is_written_down_it_is_written_once(rolling: Tiny, place: str) -> None:
    held = kill(rolling)
    cut = child(rolling, "record", place)
    assert cut.returncode == -signal.SIGKILL, cut.stderr
    assert rolling.workspace.state_files().read().orders == (held,)
    for _ in range(2):
        assert child(rolling, "record").returncode == 0
    assert ordered(rolling) == [held.order.id]
    assert rolling.workspace.state_files().unreconciled() == ()
    assert kill(rolling) == held  # and it is still the same kill
    assert ledger.replay(rolling.workspace).same


def test_a_kill_that_was_cut_off_before_its_journal_leaves_what_held(rolling: Tiny) -> None:
    before = rolling.state()
    assert child(rolling, "kill", "journal.before:1").returncode == -signal.SIGKILL
    with pytest.raises(CannotDecide, match="announced"):
        rolling.workspace.state_files().read()
    assert rolling.workspace.state_files().cut_off()
    assert child(rolling, "record").returncode == 0  # what a control process does
    assert rolling.workspace.state_files().read() == before
    assert not rolling.workspace.state_files().cut_off()


def test_an_old_state_under_an_announced_epoch_is_not_finished_without_the_ledger(rolling: Tiny) -> None:
    """What was played back is not made new by whoever finishes a cut off kill: the ledger says what holds."""
    home = rolling.workspace.home
    old = (home / "state.json").read_bytes()
    posture.tighten(rolling.workspace, rolling.scope(version="2"), Named.KILLED, "bad", "ana")
    held = rolling.state()
    (home / "state.json").write_bytes(old)
    files = rolling.workspace.state_files()
    files.announce(files.epoch() + 1)
    assert child(rolling, "record").returncode == 0
    assert files.read() == held


def test_a_full_disk_of_the_state_directory_is_said_and_closes_candidates(rolling: Tiny) -> None:
    journal = rolling.workspace.home / "journal"
    shutil.rmtree(journal, ignore_errors=True)
    journal.write_text("in the way")  # as a disk that takes no file more
    with pytest.raises((ShipworthyError, OSError)):
        kill(rolling)
    with pytest.raises((ShipworthyError, OSError)):
        rolling.workspace.state_files().read()


def test_the_verb_tells_that_nobody_answers_here(rolling: Tiny) -> None:
    left = verb(rolling, "--model", MODEL, "--version", "2")
    assert left.code == 0, left.err
    assert "killed on version 2" in left.out
    assert "no gateway answers on this host" in left.out
    assert verb(rolling, "--model", MODEL, "--version", "2", "--wait", "0").code == 4


def test_it_loads_no_store_no_ledger_and_no_cryptography(rolling: Tiny) -> None:
    code = (
        "import sys\nfrom shipworthy.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as left:\n"
        "    assert not left.code\nprint('MODULES', *sorted(sys.modules))"
    )
    command = [sys.executable, "-c", code, *_args(rolling), "--model", MODEL]
    ran = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.splitlines()[-1].split())
    assert not {"numpy", "apsw", "cryptography", "yaml", "asyncio", "sqlite3", "shipworthy.ledger"} & loaded
    assert rolling.workspace.state_files().unreconciled()
