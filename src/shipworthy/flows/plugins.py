"""Evaluators that other packages bring, found by the entry point group `shipworthy.evaluators`.

In: the cases of a pack. Out: the evaluators they name that are not ours, loaded. One that does not load is none: the
case that names it is an error, and nothing is green without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points

from shipworthy.contract.generators import ENTRY_POINTS, SHAPES, Shape
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown, Plugin
from shipworthy.facts import Case


class NotLoaded:
    """Stands where an evaluator should: says why it is not there, whenever it is asked to run."""

    def __init__(self, name: str, why: str) -> None:
        self.shape = Shape(name=name, does=why, parameters={})
        self._why = why

    def run(self, case: Case, bench: Bench, seed: int) -> CaseShown:
        """Raise ContractError."""
        raise ContractError(f"generator {self.shape.name!r} could not be loaded: {self._why}", f"case {case.id}")


def plugins_of(cases: Sequence[Case]) -> dict[str, Plugin]:
    """Return the evaluators of other packages that these cases name, by name."""
    named = {str((case.generator or {}).get("name", "")) for case in cases if case.generator} - set(SHAPES)
    if not named:
        return {}
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=ENTRY_POINTS):
        if point.name in named:
            found.setdefault(point.name, []).append(point)
    return {name: _loaded(name, points) for name, points in found.items()}


def _loaded(name: str, points: Sequence[EntryPoint]) -> Plugin:
    if len(points) > 1:
        return NotLoaded(name, f"{len(points)} packages bring one of this name")
    try:
        loaded = points[0].load()
    except Exception as problem:  # another package's import may raise anything
        return NotLoaded(name, f"{type(problem).__name__}: {problem}")
    plugin: Plugin = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(getattr(plugin, "shape", None), Shape) or not callable(getattr(plugin, "run", None)):
        return NotLoaded(name, "it has no `shape` and `run`")
    return plugin
