"""The Ray engine: the same pieces on the workers of a Ray cluster, one that runs already or one started here.

In: how to open a bench (with everything it needs inside, for a node has no repository), how many workers, the address
of a cluster or None. Out: finished pieces as they come, byte for byte what the local engine shows. Ray is an extra
(`pip install shipworthy[ray]`); its own traffic is between its nodes, while the model and the cases have no network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shipworthy.errors import Unreachable, UsageError
from shipworthy.evaluate.run.engine import Given, Opened, Ran, Results
from shipworthy.evaluate.run.pool import Worker


def ray_results(opened: Opened, workers: int, address: str | None) -> Results:
    """Return the engine. Raises UsageError where Ray is not installed."""
    ray = installed()

    def results(given: Given, places: Sequence[int]) -> Iterator[tuple[int, Ran, float]]:
        joined = ray.is_initialized()
        if not joined:
            begin(ray, workers, address)
        try:
            yield from _run_all(ray, opened, given, places, min(workers, len(places)))
        finally:
            if not joined:
                ray.shutdown()

    return results


def installed() -> Any:  # noqa: ANN401
    try:
        import ray
    except ImportError as problem:
        raise UsageError("Ray is not installed", "--engine ray", "pip install 'shipworthy[ray]'") from problem
    return ray


def begin(ray: Any, workers: int, address: str | None) -> None:  # noqa: ANN401
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if address is None:
        ray.init(num_cpus=workers, include_dashboard=False, **quiet)
    else:
        try:
            ray.init(address=address, **quiet)
        except ConnectionError as problem:
            fix = "is it running, and does this shell hold its token (RAY_AUTH_MODE, RAY_AUTH_TOKEN)?"
            raise Unreachable(f"no Ray cluster answers at {address}", "--address", fix) from problem


def _run_all(
    ray: Any,  # noqa: ANN401
    opened: Opened,
    given: Given,
    places: Sequence[int],
    workers: int,
) -> Iterator[tuple[int, Ran, float]]:
    """Give each free worker the next piece until none is left."""
    shared = ray.put((opened, given))
    remote = ray.remote(num_cpus=1, max_restarts=0)(_Remote)
    free = [remote.remote(shared) for _ in range(workers)]
    actors = list(free)
    waiting, running = list(places), dict[Any, Any]()
    try:
        while waiting or running:
            while free and waiting:
                actor = free.pop()
                running[actor.run.remote(waiting.pop(0))] = actor
            ready, _ = ray.wait(list(running))
            for one in ready:
                free.append(running.pop(one))
                yield ray.get(one)
    finally:
        for actor in actors:
            ray.kill(actor)


class _Remote:
    """A worker that lives in an actor."""

    def __init__(self, shared: tuple[Opened, Given]) -> None:
        self._worker = Worker(*shared)

    def run(self, place: int) -> tuple[int, Ran, float]:
        return self._worker.run(place)
