"""Counting the files of a log, here or in several processes or on Ray: the same bytes wherever it is done.

In: files and a lens. Out: `Counted`. Every worker counts whole files and gives back integers, which add up.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact
from shipworthy.flows.monitor.framing import Framing, Notes
from shipworthy.flows.monitor.lens import Lens
from shipworthy.flows.monitor.logs import ROWS, ROWS_OF_TEXT, Chunk, chunks, rows_in
from shipworthy.observe.frames.counts import Counts, FrameCounter
from shipworthy.observe.frames.inputs import FrameInputs
from shipworthy.observe.frames.ood import scored
from shipworthy.profile.batch import BatchScorer
from shipworthy.runtime.hidden import keyed

Say = Callable[[str], None]
Task = tuple[Lens, Path, int]


class Engine(Fact, frozen=True, kw_only=True):
    """Where files are counted: here in `workers` processes, or on a Ray cluster (`address`; None = started here)."""

    name: Literal["local", "ray"] = "local"
    workers: int = 1
    address: str | None = None


@dataclass(slots=True)
class Counted:
    """The counts, the notes, and how many rows were looked at."""

    counts: Counts = field(default_factory=Counts)
    notes: Notes = field(default_factory=Notes)
    rows: int = 0

    def add(self, other: Counted) -> None:
        """Add what was counted of another file."""
        self.counts.add(other.counts)
        self.notes.add(other.notes)
        self.rows += other.rows


def count_files(files: Sequence[Path], lens: Lens, engine: Engine, say: Say) -> Counted:
    """Count every file, and add them up."""
    tasks = _tasks(files, lens)
    total = Counted()
    for done, one in enumerate(_results(tasks, engine), 1):
        total.add(one)
        say(f"{done} of {len(files)} files counted, {total.rows:,} rows".replace(",", " "))
    return total


def count_chunks(source: Iterable[Chunk], lens: Lens, place: str, offset: int = 0) -> Counted:
    """Count one source of chunks."""
    made = Counted()
    framing = Framing(lens, made.notes, place, offset)
    counter = FrameCounter(FrameInputs(lens.profile), lens.words, keyed(lens.key))
    scorer = BatchScorer(lens.profile) if lens.ood else None
    for chunk in source:
        frame = framing.frame(chunk)
        counter.take(frame, scored(scorer, frame))
        made.rows += chunk.n
    made.counts = counter.counts
    return made


def count_file(task: Task) -> Counted:
    """Count one file. Runs in whatever process."""
    lens, path, offset = task
    rows = ROWS_OF_TEXT if lens.profile.texts else ROWS
    return count_chunks(chunks(path, lens.columns, lens.text, rows), lens, str(path), offset)


def _tasks(files: Sequence[Path], lens: Lens) -> list[Task]:
    """Where periods are of rows, a file must know how many come before it."""
    tasks, before = [], 0
    for at, path in enumerate(files):
        tasks.append((lens, path, before))
        if not lens.every.by_time and at + 1 < len(files):
            before += rows_in(path)
    return tasks


def _results(tasks: list[Task], engine: Engine) -> Iterator[Counted]:
    if engine.name == "ray":
        yield from _on_ray(tasks, engine)
    elif engine.workers == 1 or len(tasks) == 1:
        yield from map(count_file, tasks)
    else:
        yield from _in_processes(tasks, engine.workers)


def _in_processes(tasks: list[Task], workers: int) -> Iterator[Counted]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers: each has a processor to itself
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        try:
            yield from pool.map(count_file, tasks)
        except BrokenProcessPool as problem:
            raise CannotDecide("a worker ended before it was done", "monitor", "use fewer --workers") from problem


def _on_ray(tasks: list[Task], engine: Engine) -> Iterator[Counted]:
    from shipworthy.evaluate.run.ray_engine import begin, installed

    ray = installed()
    joined = ray.is_initialized()
    if not joined:
        begin(ray, engine.workers, engine.address)
    try:
        remote = ray.remote(num_cpus=1)(count_file)
        waiting = [remote.remote(task) for task in tasks]
        while waiting:
            ready, waiting = ray.wait(waiting)
            yield from (ray.get(one) for one in ready)
    finally:
        if not joined:
            ray.shutdown()
