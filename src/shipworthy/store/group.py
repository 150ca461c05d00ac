"""Group commit: many small writes, one fsync.

In: write functions from any thread. Out: futures that are done only after COMMIT, so what a caller was told is on disk.
Writes that arrive while the group before them commits, up to 64, share one transaction; one that fails undoes only
itself. `wait_s` waits longer for company, which a lone caller pays for.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from shipworthy.errors import Unreachable
from shipworthy.store.protocol import Store

Told = TypeVar("Told")
_END: Final = None
_Work = tuple[Callable[[Store], Any], Future[Any]]
_Settled = Callable[[], None]


class GroupCommit:
    """A thread that commits writes in groups. `wait_s` and `most` bound how long and how many it gathers."""

    def __init__(self, store: Store, wait_s: float = 0.0, most: int = 64) -> None:
        self._store = store
        self._wait_s = wait_s
        self._most = most
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def submit(self, write: Callable[[Store], Told]) -> Future[Told]:
        """Run `write(store)` in the next group. The future holds what it returned, after COMMIT, or its error.

        Raises Unreachable after `close`.
        """
        future: Future[Told] = Future()
        with self._gate:
            if self._closed:
                raise Unreachable("group commit is closed", fix="open the store again")
            self._waiting.put((write, future))
        return future

    def close(self) -> None:
        """Commit all that was submitted, then end the thread. Twice is once."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._waiting.put(_END)
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            group, ended = self._gather()
            if group:
                self._commit(group)

    def _gather(self) -> tuple[list[_Work], bool]:
        """Wait for one write, then take what comes within the wait. The second value is True at the end."""
        first = self._waiting.get()
        if first is _END:
            return [], True
        group, until = [first], time.monotonic() + self._wait_s
        while len(group) < self._most:
            try:
                work = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if work is _END:
                return group, True
            group.append(work)
        return group, False

    def _commit(self, group: list[_Work]) -> None:
        live = [work for work in group if work[1].set_running_or_notify_cancel()]
        settled: list[_Settled] = []
        try:
            with self._store.transaction():
                settled = [self._one(write, future) for write, future in live]
        except BaseException as error:  # nothing of this group was committed: every caller must hear of it
            for _, future in live:
                future.set_exception(error)
            return
        for settle in settled:
            settle()

    def _one(self, write: Callable[[Store], Any], future: Future[Any]) -> _Settled:
        """Run one write in a savepoint; return how to tell its caller once the group is committed."""
        try:
            with self._store.transaction():
                told = write(self._store)
        except Exception as error:
            failure = error  # the name `error` is gone when the closure runs
            return lambda: future.set_exception(failure)
        return lambda: future.set_result(told)
