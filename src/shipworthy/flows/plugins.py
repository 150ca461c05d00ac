"""Evaluators that other packages bring, found by the entry point group `shipworthy.evaluators`.

In: the cases of a pack. Out: the evaluators they name that are not ours, loaded. One that does not load is none: the
case that names it is an error, and nothing is green without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from shipworthy.contract.generators import SHAPES, Shape
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench, CaseShown, Plugin
from shipworthy.facts import Case

GROUP = "shipworthy.evaluators"


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
    return {point.name: _loaded(point.name) for point in entry_points(group=GROUP) if point.name in named}


def _loaded(name: str) -> Plugin:
    found = [point for point in entry_points(group=GROUP) if point.name == name]
    if len(found) > 1:
        return NotLoaded(name, f"{len(found)} packages bring one of this name")
    try:
        loaded = found[0].load()
    except Exception as problem:  # another package's import may raise anything
        return NotLoaded(name, f"{type(problem).__name__}: {problem}")
    plugin: Plugin = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(getattr(plugin, "shape", None), Shape) or not callable(getattr(plugin, "run", None)):
        return NotLoaded(name, "it has no `shape` and `run`")
    return plugin
