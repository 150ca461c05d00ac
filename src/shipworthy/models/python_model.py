"""A model that is the author's own Python function.

In: rows of values in model order. Out: a score and, when the function decides itself, a decision for each row.
The function takes a list of dictionaries (feature -> value) and returns `{"score": float, "decision": str | None}`
for each. It runs in the child process only, never beside keys.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shipworthy.errors import ContractError
from shipworthy.models.spec import Cell, Columns, OpenSpec, ScoreBody


def open_python(folder: Path, spec: OpenSpec, columns: Columns) -> Callable[[list[list[Cell]]], ScoreBody]:
    """Return a function from rows to scores and decisions. Raises ContractError when `entry` names no function."""
    function = _entry(folder, spec.entry)
    names = [name for name, _ in columns]

    def score(rows: list[list[Cell]]) -> ScoreBody:
        answers = list(function([dict(zip(names, row, strict=True)) for row in rows]))
        if len(answers) != len(rows):
            raise ContractError(f"{len(answers)} answers for {len(rows)} rows", str(spec.entry), "return one a row")
        decisions = [_decision(answer) for answer in answers]
        decided = any(decision is not None for decision in decisions)
        return ScoreBody(scores=[_score(answer) for answer in answers], decisions=decisions if decided else None)

    return score


def _entry(folder: Path, entry: str | None) -> Callable[[list[dict[str, Cell]]], list[Mapping[str, Any]]]:
    file, _, name = (entry or "").partition(":")
    path = (folder / file).resolve()
    if not file or not name or not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ContractError(f"entry {entry!r} names no file of the artefact folder", str(folder), "entry: file.py:name")
    sys.path.append(str(folder.resolve()))  # last, so that a file of the author's never shadows a library
    loader = importlib.util.spec_from_file_location(path.stem, path)
    if loader is None or loader.loader is None:
        raise ContractError("is not a Python file", str(path), "entry: file.py:name")
    module = importlib.util.module_from_spec(loader)
    sys.modules[path.stem] = module
    loader.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise ContractError(f"has no function {name!r}", str(path), "entry: file.py:name")
    return function  # type: ignore[no-any-return]


def _score(answer: Mapping[str, Any]) -> float | None:
    """Return a finite number; anything else is no score."""
    score = answer.get("score")
    if isinstance(score, bool) or score is None:
        return None
    number = float(score)
    return number if math.isfinite(number) else None


def _decision(answer: Mapping[str, Any]) -> str | None:
    decision = answer.get("decision")
    return None if decision is None else str(decision)
