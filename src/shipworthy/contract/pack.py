"""`robustness-pack.yaml` → the pack: stable case ids, each with rows or a generator and an oracle that can be read.

In: the file's text and the names an expression over a row may use. Out: the cases, or every fault with its line.
Whether a case could ever pass at its size is a question for `evaluate`, not for reading.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shipworthy.contract.convert import convert
from shipworthy.contract.generators import NO_ROWS, SHAPES, Shape, fault_of, names_of
from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean
from shipworthy.contract.segment_text import KeyValues, unknown_keys, write_segments
from shipworthy.contract.strict_yaml import Reading, read_yaml
from shipworthy.contract.words_used import words_against
from shipworthy.expr import ExprError, compile_expr
from shipworthy.facts import Budget, Case, Clause, Fact

FILE = "robustness-pack.yaml"
FOLDER = "cases"
CSV = (".csv", ".csv.gz")
TABLES = (*CSV, ".jsonl", ".txt")
"""How a file of rows is named: a table with a header, one JSON object a line, or one text a line."""
SEVERITIES = ("blocker", "major", "minor")
ANSWER_NAMES = frozenset(
    {"bucket", "decision", "label", "ood", "ood_flag", "ood_p", "ood_view", "route", "score", "uncertainty"}
)
ROUTES = frozenset({"machine", "person"})
_INPUT_KEYS = frozenset({"rows", "where"})
CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class PackHead(Fact, frozen=True, kw_only=True):
    """What holds for the whole pack. `seed` feeds every generator, together with the case's id; `budget` is what all
    cases together may spend."""

    version: int = 1
    model: str | None = None
    seed: int = 0
    budget: Budget = Budget()


class Pack(Fact, frozen=True, kw_only=True):
    """The whole file."""

    pack: PackHead = PackHead()
    cases: tuple[Case, ...]


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What cases may name. None = not known, so anything goes.

    `names`: those an oracle may use beside the answer's. `datasets`: the columns of each dataset of the manifest.
    `files`: all files of the repository. `segment_keys`, `model`: as the manifest declares them. `plugins` tells the
    names of generators that other packages bring; it is asked only for a name that is not ours. `words`: what decisions
    are called.
    """

    names: frozenset[str] | None = None
    datasets: Mapping[str, frozenset[str]] | None = None
    files: frozenset[str] | None = None
    segment_keys: KeyValues | None = None
    model: str | None = None
    plugins: Callable[[], frozenset[str]] = frozenset
    words: frozenset[str] | None = None


def read_pack(
    source: str | bytes, file: str = FILE, rows: Rows | None = None
) -> tuple[Pack | None, Reading, tuple[Problem, ...]]:
    """Return the pack or None, the reading (for the lines of later faults), and every fault."""
    rows = rows or Rows()
    reading = write_segments(read_yaml(source, file), [("cases", "*", "segment")])
    pack, problems = convert(reading, Pack)
    if pack is None:
        return None, reading, problems
    found = Findings(file, reading.marks)
    if rows.model is not None and pack.pack.model not in (None, rows.model):
        told = f"pack of {pack.pack.model!r}, the manifest says {rows.model!r}"
        found.add(("pack", "model"), told, f"write {rows.model}")
    seen: set[str] = set()
    for index, case in enumerate(pack.cases):
        path: Path = ("cases", index)
        if case.id in seen:
            found.add((*path, "id"), f"case id {case.id!r} is used twice", "give each case its own id, never reused")
        seen.add(case.id)
        _shape(case, path, found)
        _input(case, path, rows, found)
        _generator(case, path, rows, found)
        _oracle(case, path, rows.names, rows.words, found)
        if rows.segment_keys is not None:
            unknown_keys(case.segment, rows.segment_keys, (*path, "segment"), found)
    return (None if found.problems else pack), reading, found.problems


def is_table(rows: str) -> bool:
    """True when `rows:` names a file of the repository; otherwise it names a dataset of the manifest."""
    return rows.endswith(TABLES)


def case_files(case: Case) -> tuple[str, ...]:
    """Return the files a case reads rows from; none when it runs on a dataset of the manifest."""
    named = [(case.input or {}).get("rows"), *((case.generator or {}).get(key) for key in _row_keys(case))]
    return tuple(sorted({name for name in named if isinstance(name, str) and is_table(name)}))


def _shape(case: Case, path: Path, found: Findings) -> None:
    clauses = [clause.value for clause in Clause]
    if not CASE_ID.fullmatch(case.id):
        found.add((*path, "id"), f"not a case id: {case.id!r}", "use letters, digits, _ . and -")
    if case.clause not in clauses:
        found.add((*path, "clause"), f"clause: {case.clause!r} is not allowed", did_you_mean(case.clause, clauses))
    if case.severity not in SEVERITIES:
        told = did_you_mean(case.severity, SEVERITIES)
        found.add((*path, "severity"), f"severity: {case.severity!r} is not allowed", told)
    if (case.input is None) == (case.generator is None):
        found.add(path, f"case {case.id!r}: exactly one of `input` or `generator`", "give rows or a way to make them")
    if case.input == {} or case.generator == {}:
        found.add(path, f"case {case.id!r}: nothing to run", "fill in `input` or `generator`")
    if not case.owner.strip():
        found.add((*path, "owner"), f"case {case.id!r} has no owner", "name who answers for it")


def _input(case: Case, path: Path, rows: Rows, found: Findings) -> None:
    """Rows come from a dataset or a file that is there; a filter speaks of its columns."""
    for key in case.input or {}:
        if key not in _INPUT_KEYS:
            found.add((*path, "input", key), f"unknown key input.{key}", did_you_mean(key, _INPUT_KEYS))
    if case.input and "rows" not in case.input:
        found.add((*path, "input"), f"case {case.id!r}: input without rows", "name a dataset or a .csv file")
    section = "generator" if case.input is None else "input"
    named: dict[str, Any] = dict(case.generator or {}) if case.input is None else dict(case.input)
    for key in _row_keys(case):
        if isinstance(named.get(key), str) and named[key] and not _does_without(case, key, named[key]):
            _rows(named[key], case, (*path, section, key), rows, found)
    where, of = named.get("where"), str(named.get("rows") or named.get("dataset") or "test")
    if isinstance(where, str):
        columns = rows.names if is_table(of) or rows.datasets is None else rows.datasets.get(of)
        _expression(where, f"case {case.id!r}: where", (*path, section, "where"), columns, found)


def _generator(case: Case, path: Path, rows: Rows, found: Findings) -> None:
    """A generator that exists, called as it wants to be; how one of another package is called, only that one knows."""
    if not case.generator:
        return
    path = (*path, "generator")
    name = case.generator.get("name")
    if not isinstance(name, str):
        found.add(path, f"case {case.id!r}: the generator has no name", f"`name:` is one of {', '.join(SHAPES)}")
        return
    shape = _shape_of(case)
    if shape is None:
        others = rows.plugins()
        if name not in others:
            told = did_you_mean(name, [*SHAPES, *others])
            found.add((*path, "name"), f"case {case.id!r}: no generator {name!r}", told)
        return
    fault = fault_of(case.generator, shape)
    if fault is not None:
        key, what, fix = fault
        found.add((*path, key), f"case {case.id!r}: {what}", fix)
    metric = case.oracle.metric
    if metric is not None and metric not in shape.metrics:
        told = did_you_mean(metric, shape.metrics) if shape.metrics else f"{name} counts nothing itself: write `hits:`"
        found.add((*path[:-1], "oracle", "metric"), f"case {case.id!r}: {name} does not measure {metric!r}", told)


def _shape_of(case: Case) -> Shape | None:
    return SHAPES.get(str((case.generator or {}).get("name")))


def _row_keys(case: Case) -> tuple[str, ...]:
    shape = _shape_of(case)
    return ("rows",) if shape is None else shape.rows


def _does_without(case: Case, key: str, name: str) -> bool:
    shape = _shape_of(case)
    return name == NO_ROWS and shape is not None and key in shape.without


def _rows(name: str, case: Case, path: Path, rows: Rows, found: Findings) -> None:
    known = rows.files if is_table(name) else rows.datasets
    if known is not None and name not in known:
        kind = "file" if is_table(name) else "dataset"
        near = [other for other in known if kind == "dataset" or other.startswith(f"{FOLDER}/")]
        found.add(path, f"case {case.id!r}: no {kind} {name!r}", did_you_mean(name, near))


def _oracle(
    case: Case, path: Path, names: frozenset[str] | None, words: frozenset[str] | None, found: Findings
) -> None:
    oracle, path = case.oracle, (*path, "oracle")
    if (oracle.hits is None) == (oracle.metric is None):
        found.add(path, f"case {case.id!r}: exactly one of `hits` or `metric`", "say what is counted")
    if oracle.op not in (">=", "<=", "=="):
        found.add((*path, "op"), f"op: {oracle.op!r} is not allowed", "write >=, <= or ==")
    if not math.isfinite(oracle.target) or not 0.5 <= oracle.level < 1:
        found.add(path, f"case {case.id!r}: target or level out of range", "a finite target; a level in [0.5, 1)")
    shape = _shape_of(case)
    more = names_of(case.generator or {}, shape) if shape is not None else ()
    known = None if names is None or (case.generator and shape is None) else names | ANSWER_NAMES | frozenset(more)
    is_share = oracle.hits is not None or (shape is not None and oracle.metric in shape.shares)
    if is_share and ((oracle.op == "<=" and oracle.target >= 1.0) or (oracle.op == ">=" and oracle.target <= 0.0)):
        told = f"case {case.id!r}: every share is {oracle.op} {oracle.target:g}, so nothing could fail it"
        found.add((*path, "target"), told, "a target that an answer can miss")
    for key, text in (("hits", oracle.hits), ("among", oracle.among)):
        if text is not None:
            _expression(text, f"case {case.id!r}: {key}", (*path, key), known, found)
            _words(text, key, case, path, words, found)
    if oracle.hits is not None and _says_one_thing(oracle.hits):
        told = f"case {case.id!r}: hits: {oracle.hits!r} names nothing, so every row says the same"
        found.add((*path, "hits"), told, "speak of the answer, such as decision == 'deny'")


def _words(text: str, key: str, case: Case, path: Path, words: frozenset[str] | None, found: Findings) -> None:
    """A decision or route that nobody gives is never met: a misspelt one would pass for ever."""
    if words is None:
        return
    known = {"decision": words, "decision_before": words, "route": ROUTES}
    for name, word in words_against(text, frozenset(known)):
        if word not in known[name]:
            told = f"case {case.id!r}: {key}: no {name.removesuffix('_before')} is called {word!r}"
            found.add((*path, key), told, did_you_mean(word, known[name]))


def _says_one_thing(text: str) -> bool:
    try:
        return not compile_expr(text).names
    except ExprError:
        return False  # told of already


def _expression(text: str, told: str, path: Path, names: frozenset[str] | None, found: Findings) -> None:
    try:
        compile_expr(text, names)
    except ExprError as fault:
        found.add(path, f"{told}: {fault.what}", "see the expression language")
