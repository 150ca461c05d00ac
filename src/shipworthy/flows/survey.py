"""Look at an existing project: its table, its model file, its training script. Nothing is loaded, nothing is run.

In: the folder and what the caller says of it. Out: a first manifest, the rows of its datasets, copies of tables to
write, and one line for everything that only the authors can do. Raises UsageError where going on would be a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import msgspec

from shipworthy.contract.files.root import Root
from shipworthy.contract.manifest import Stakes
from shipworthy.contract.stakes import ALONE
from shipworthy.contract.starter.columns import Guess, Row, guess_features, guess_label, guess_text
from shipworthy.contract.starter.manifest_text import Seen, manifest_text
from shipworthy.contract.starter.split import LEAST_TEST, TEST, read_copy
from shipworthy.errors import UsageError
from shipworthy.flows.survey_model import code_of, model_file, models_in, training_script
from shipworthy.flows.survey_tables import Tables, find_tables, tables_in
from shipworthy.models.spec import ENCODING_ENTRY, ENCODING_FILE
from shipworthy.models.takes import Taken, taken_by

LOCKFILES = ("requirements.lock", "uv.lock", "poetry.lock", "pdm.lock", "requirements.txt")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller says. None = look for it."""

    owner: str
    stakes: Stakes
    data: str | None = None
    label: str | None = None
    model: str | None = None
    split: bool = False


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. `copies` are tables to write, by path; `todo` is what only the authors can do."""

    manifest: str
    rows: dict[str, list[Row]]
    copies: dict[str, str]
    todo: tuple[str, ...]


def survey(folder: Path, told: Told, text: bool = False) -> Survey:
    """Return what was found at `folder`. `text`: the model reads one text."""
    names = [name for name in Root(folder).names() if (folder / name).is_file()]  # a pipe would hold us for ever
    script = training_script(names)
    if script is None and not models_in(names) and not tables_in(names):
        what = "no model, no training script and no table of labelled rows is here"
        raise UsageError(
            what, "the project", "stand in the folder of a model, or name it: shipworthy --root FOLDER init"
        )
    model = model_file(folder, names, script, told.model)
    tables = find_tables(folder, names, told.data, told.split, script)
    if any(name.startswith(f"{model.artefacts}/") for name in (tables.main, script or "")):
        what = "the folder holds more than the model: all of it would be signed and served"
        raise UsageError(what, model.artefacts, "give the model a folder of its own, such as model/")
    everything = [row for rows in tables.rows.values() for row in rows]
    label = guess_label(everything, told.label)
    path = f"{model.artefacts}/{model.file}"
    taken = taken_by(folder / path) if path in names else Taken()
    _fits(taken, text, path)
    skip = {label, *tables.split_columns, *([tables.unit] if text and tables.unit else [])}
    guess = guess_text(everything, skip) if text else guess_features(everything, skip, taken.names)
    seen = Seen(
        model=_slug(folder),
        owner=told.owner,
        stakes=told.stakes,
        features=guess.features,
        label=label,
        datasets=tables.datasets,
        artefacts=model.artefacts,
        file=model.file,
        build=("python", script) if script else (),
        code=(*code_of(folder, names, script), *_read_by(tables)) if script else (),
        lockfile=next((name for name in LOCKFILES if name in names), None),
        unit=tables.unit,
        keys=guess.keys,
    )
    more = (
        *_about_label(label),
        *_about(guess, taken, script),
        *_encoding(seen, names),
        *_about_split(tables, script),
        *_above_low(told.stakes),
        ALONE,
    )
    return Survey(manifest=manifest_text(seen), rows=tables.rows, copies=tables.copies, todo=(*model.todo, *more))


def _fits(taken: Taken, text: bool, path: str) -> None:
    """The archive must hold the kind of model that the template is for."""
    if taken.text and not text:
        raise UsageError("its model reads one text", path, "say --template text")
    if text and not taken.text and (taken.names or taken.count is not None):
        told = f"its model takes {taken.count or len(taken.names)} values, not one text"
        raise UsageError(told, path, "leave --template text out; a text beside numbers is declared by hand")


def _read_by(tables: Tables) -> tuple[str, ...]:
    """The script goes on reading the table that was copied: its bytes belong to the change as well."""
    return (tables.main,) if tables.copies and not tables.drawn else ()


def _about_label(label: str) -> list[str]:
    """Which of the two outcomes is the good one cannot be read off a column of 0 and 1."""
    told = f"`{label}` 1 / a high score leads to `approve`, 0 / a low one to `deny`"
    return [f"{told}: if 1 is the bad outcome, flip the label in the data and train again"]


def _about(guess: Guess, taken: Taken, script: str | None) -> list[str]:
    lines = [f"not taken for an input: {column}" for column in guess.left_out]
    if taken.count not in (None, len(guess.features)):
        lines.append(f"the model takes {taken.count} values, and {len(guess.features)} inputs were found")
    if not taken.names:
        trained = script or "the code that trained it, wherever that is"
        lines.append(f"`features:` must be what the model takes, in its order: compare them with {trained}")
    protected = ", ".join(feature.name for feature in guess.features if feature.protected)
    if any(feature.type == "text" for feature in guess.features):
        told = ", ".join(guess.keys) or "no column"
        return [*lines, f"groups are told apart by {told}: only people know by what people are, see `segments:`"]
    marked = f"marked protected by their names: {protected}" if protected else "no feature is marked protected"
    return [*lines, f"{marked}; only people know by what people are told apart: see `features:`"]


def _encoding(seen: Seen, names: Sequence[str]) -> list[str]:
    categories = [feature.name for feature in seen.features if feature.type == "category"]
    path = f"{seen.artefacts}/{ENCODING_FILE}"
    if not categories or path in names:
        return []
    entries = ", ".join(f'"{name}": {ENCODING_ENTRY}' for name in categories)
    told = f"let {seen.build[-1]} write {path}" if seen.build else f"write {path}"
    return [f"the model gets numbers for categories: {told}, of this shape, with the numbers it was trained on: "
            f"{{{entries}}}"]  # fmt: skip


def _about_split(tables: Tables, script: str | None) -> list[str]:
    lines = []
    for path in tables.copies:
        if tables.drawn:
            lines.append(f"{script} must {read_copy(path)}")
        else:
            lines.append(f"{path} is a copy in which a part of the test rows calibrates: never train on it")
    if tables.unit is not None:
        sides = [{row.get(tables.unit) for row in found} for found in tables.rows.values()]
        both = set().union(*(one & other for one, other in combinations(sides, 2))) - {None}
        told = (
            f"{len(both)} values of {tables.unit} have rows in more than one dataset: divide the rows by {tables.unit}"
        )
        lines += [told] if both else []
    thin = len(tables.rows.get(TEST, ()))
    if thin < LEAST_TEST:
        lines.append(f"only {thin} test rows: most promises need {LEAST_TEST} before they can be judged")
    return lines


def _above_low(stakes: Stakes) -> list[str]:
    if stakes == "low":
        return []
    return [f"at {stakes} stakes nothing is built before `review:` says how many wrong answers are accepted"]


def _slug(folder: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "model"
