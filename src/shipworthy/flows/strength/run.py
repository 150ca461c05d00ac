"""`shipworthy strength`: every mutant and every healthy variant through pack, gate and replayed runtime.

In: the repository with its built artefact. Out: `Strength`, written beside the evidence for the gate when nothing was
left out. Nothing else of the user's is written. The release itself goes first: what it does not pass here counts for no
mutant.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from shipworthy import __version__
from shipworthy.errors import UsageError
from shipworthy.evaluate.mutants.catalogue import ALL, BY_ID
from shipworthy.evaluate.mutants.kind import Mutant
from shipworthy.evaluate.mutants.moved import LIVE, measured, seen_in
from shipworthy.facts import digest
from shipworthy.flows.model import open_model
from shipworthy.flows.strength.judged import evaluated, not_green, write_lock
from shipworthy.flows.strength.kept import Kept, kept_for, of_mutant
from shipworthy.flows.strength.record import write_strength
from shipworthy.flows.strength.sandbox import Sandbox, new_sandbox
from shipworthy.flows.strength.told import told
from shipworthy.flows.strength.trial import Base, Found, Trial, claims_of, clear
from shipworthy.gate.strength import INDICATOR, Strength
from shipworthy.runtime.replayed import replay
from shipworthy.runtime.subject import subject_of
from shipworthy.runtime.workspace import Workspace

Say = Callable[[str], None]


def strength(
    workspace: Workspace, say: Say, only: Sequence[str] = (), workers: int = 1
) -> tuple[Strength, Path | None]:
    """Try them; return the record and its file (None when only some were tried).

    Raises UsageError for an unknown name, CannotDecide without a built artefact.
    """
    wanted = chosen(only)
    contract = workspace.contract()
    subject = subject_of(workspace.root, contract)
    kept = kept_for(workspace, contract, subject)
    with tempfile.TemporaryDirectory(prefix="shipworthy-strength-") as at:
        box = new_sandbox(workspace, Path(at) / "release")
        base = _base(box, workspace, kept, say)
        found = dict(_found(box, base, kept, wanted, workers, say))
    tried = told([(mutant, found[mutant.id]) for mutant in wanted], base)
    record = Strength(
        subject=subject,
        tried=tried,
        not_exercised=tuple(name for name in base.not_green if name != INDICATOR),
        whole=len(wanted) == len(ALL),
        tool_version=__version__,
    )
    return record, write_strength(workspace, record) if record.whole else None


def chosen(only: Sequence[str]) -> tuple[Mutant, ...]:
    """Return the named mutants, all without a name; a name may be the part before the dot. Raises UsageError."""
    known = {*BY_ID, *(name.partition(".")[0] for name in BY_ID)}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise UsageError(f"no mutant {unknown[0]!r}", "--only", f"one of {', '.join(sorted(known))}")
    return tuple(one for one in ALL if not only or one.id in only or one.id.partition(".")[0] in only)


def _base(box: Sandbox, workspace: Workspace, kept: Kept, say: Say) -> Base:
    """What the release shows; its evidence and lock stay in the sandbox that every mutant is copied from."""
    say("the release itself")
    before = workspace.contract().lock
    if before is not None:
        write_lock(box, before, None)
    contract = box.workspace.contract()
    with open_model(box.root, contract.manifest) as model:
        evidence = evaluated(box, model)
        if before is None:
            write_lock(box, None, evidence)
            contract = box.workspace.contract()
        failed = not_green(box)
        base = kept.read("release", failed, Base)
        if base is None:
            mine = box.copy(box.at.parent / "replay")
            sent = claims_of(box.root, contract, None)
            played = replay(mine.workspace, model.values, sent) if sent else None
            clear(mine)
            seen = {**seen_in(evidence), **measured(played.measured if played else (), LIVE)}
            base = Base(not_green=failed, seen=seen, orders=played.orders if played else ())
            kept.write("release", failed, base)
    return base


def _found(
    box: Sandbox, base: Base, kept: Kept, wanted: Sequence[Mutant], workers: int, say: Say
) -> Iterator[tuple[str, Found]]:
    """Yield what became of each: what is kept first, then what is tried, in any order."""
    name = digest(base)
    left = []
    for mutant in wanted:
        done = kept.read(mutant.id, of_mutant(mutant, name), Found)
        if done is None:
            left.append(mutant)
        else:
            yield mutant.id, done
    if len(left) < len(wanted):
        say(f"{len(wanted) - len(left)} of {len(wanted)} were tried before and are kept")
    started = time.monotonic()
    for count, found in enumerate(_tried(box, base, left, workers), 1):
        kept.write(found.id, of_mutant(BY_ID[found.id], name), found)
        rest = (time.monotonic() - started) / count * (len(left) - count)
        say(f"{count} of {len(left)}, about {rest:.0f} s left: {found.id} {_short(found)}")
        yield found.id, found


def _tried(box: Sandbox, base: Base, left: Sequence[Mutant], workers: int) -> Iterator[Found]:
    run = partial(try_one, box, base)
    if workers <= 1 or len(left) <= 1:
        yield from map(run, (one.id for one in left))
        return
    pool = ProcessPoolExecutor(min(workers, len(left)), multiprocessing.get_context("spawn"))
    try:
        for done in as_completed([pool.submit(run, one.id) for one in left]):
            yield done.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def try_one(box: Sandbox, base: Base, mutant: str) -> Found:
    """Try one mutant in a copy of the sandbox, which is gone afterwards."""
    mine = box.copy(box.at.parent / mutant)
    try:
        return Trial(BY_ID[mutant], base, mine).run()
    finally:
        clear(mine)


def _short(found: Found) -> str:
    if found.stopped == "nowhere":
        return "went through"
    after = f" after {found.requests} requests" if found.requests is not None else ""
    return f"{found.stopped}{after}: {', '.join((*found.by, *found.why)[:2])}"
