"""The local engine over several processes: each opens a bench and a model of its own and takes the next piece.

In: how to open a bench, how many workers. Out: finished pieces as they come. Workers ignore the interrupt key: this
process ends them, and their models end with them.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace

from shipworthy.errors import CannotDecide
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.metered import Limit
from shipworthy.evaluate.run.engine import Given, Opened, Ran, Results, run_piece
from shipworthy.evaluate.run.threads import one_thread
from shipworthy.models.offline import no_network


class Worker:
    """One bench, opened once, and what it is given."""

    def __init__(self, opened: Opened, given: Given) -> None:
        self._stack = ExitStack()
        self.given = given
        self._stack.enter_context(no_network())
        self._stack.enter_context(one_thread())
        self.bench: Bench
        self.limit: Limit | None
        self.bench, self.limit = self._stack.enter_context(opened())
        if self.bench.subject != given.subject:
            raise CannotDecide("the repository changed while it was evaluated", "evaluate", "run it again")
        self.bench = replace(self.bench, accepted=given.accepted)  # what people accepted stands in one ledger, not here

    def run(self, place: int) -> tuple[int, Ran, float]:
        """Run one piece."""
        began = time.monotonic()
        return place, run_piece(self.bench, self.limit, self.given, place), time.monotonic() - began

    def close(self) -> None:
        """End the model and lift the guard."""
        self._stack.close()


_here: list[Worker] = []


def pool_results(opened: Opened, workers: int) -> Results:
    """Return the engine that runs pieces in `workers` processes."""

    def results(given: Given, places: Sequence[int]) -> Iterator[tuple[int, Ran, float]]:
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(
            min(workers, len(places)), mp_context=context, initializer=_open, initargs=(opened, given)
        )
        try:
            first = sorted(places, key=lambda place: place >= 0 and given.cases[place].generator is None)
            for future in as_completed([pool.submit(_run, place) for place in first]):
                yield future.result()
        except BrokenProcessPool as problem:
            fix = "run it again: what is finished is kept; use fewer --workers"
            raise CannotDecide("a worker ended before it was done", "evaluate", fix) from problem
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    return results


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _open(opened: Opened, given: Given) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(opened, given)
    _here.append(worker)
    atexit.register(worker.close)


def _run(place: int) -> tuple[int, Ran, float]:
    return _here[0].run(place)
