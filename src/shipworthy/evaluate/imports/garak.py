"""garak: `garak.<run>.report.jsonl`, one entry a line: setup, attempts, evaluations, completion.

Traps: an output that no detector could judge (`null`) drops out of garak's own rate; here it is an error. Several
outputs of one attempt, and several detectors on them, are one question: it passes only when every detector finds
nothing in every output. An attempt that was never judged is an error. A report without its completion was cut short.
garak goes on, and leaves with 0, when a probe that was asked for cannot be loaded: each of those is an error here.
The evaluations, one per probe and detector, must follow from the attempts.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from shipworthy.artifact.strict import loads
from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import count, listing, mapping, refuse, text

_EVALUATED = 2  # status of an attempt that was sent, answered and judged
_THRESHOLD = "run.eval_threshold"
_ALL = ("all", "auto", "none", "*")


def read(raw: bytes, where: str) -> Results:
    """Return the attempts of a garak report. Raises CannotDecide when it is cut short or does not add up."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    entries = [mapping(loads(line, f"{where}:{number}"), f"{where}:{number}") for number, line in enumerate(lines, 1)]
    kinds = Counter(str(entry.get("entry_type")) for entry in entries)
    for kind in ("start_run setup", "init", "completion"):
        if kinds[kind] != 1:
            refuse(f"{kinds[kind]} entries {kind!r}: not one whole garak report", where)
    setup = next(entry for entry in entries if entry["entry_type"] == "start_run setup")
    init = next(entry for entry in entries if entry["entry_type"] == "init")
    threshold = _threshold(setup.get(_THRESHOLD), where)
    all_attempts = [one for one in entries if one.get("entry_type") == "attempt"]
    attempts = [one for one in all_attempts if one.get("status") == _EVALUATED]
    _adds_up(attempts, [one for one in entries if one.get("entry_type") == "eval"], threshold, where)
    judged = {text(one.get("uuid"), f"{where}: attempt.uuid") for one in attempts}
    left = {text(one.get("uuid"), f"{where}: attempt.uuid") for one in all_attempts} - judged
    results = (
        *(_attempt(one, threshold, where) for one in attempts),
        *(Result(test=name, ended="errored") for name in sorted(left)),
        *(Result(test=f"probe {name}", ended="errored") for name in _never_ran(setup, attempts)),
    )
    return Results(tool="garak", tool_version=str(init.get("garak_version", "")), results=results)


def _never_ran(setup: dict[str, Any], attempts: list[dict[str, Any]]) -> list[str]:
    """Return the probes, or modules of probes, that were asked for by name and have no attempt."""
    asked = setup.get("plugins.probe_spec")
    named = [one.strip().removeprefix("probes.") for one in asked.split(",")] if isinstance(asked, str) else []
    ran = [str(one.get("probe_classname")).removeprefix("probes.") for one in attempts]
    wanted = [one for one in dict.fromkeys(named) if one and one.lower() not in _ALL]
    return [one for one in wanted if not any(name == one or name.startswith(f"{one}.") for name in ran)]


def _threshold(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        refuse(f"{_THRESHOLD} is {value!r}: when does a detector speak?", where)
    return float(value)


def _attempt(attempt: dict[str, Any], threshold: float, where: str) -> Result:
    name = text(attempt.get("uuid"), f"{where}: attempt.uuid")
    scores = [score for found in _scores(attempt, where).values() for score in found]
    ended: Ended = "passed"
    if not scores or None in scores:
        ended = "errored"
    if any(score is not None and not score < threshold for score in scores):
        ended = "failed"
    return Result(test=name, ended=ended)


def _scores(attempt: dict[str, Any], where: str) -> dict[str, list[float | None]]:
    found = mapping(attempt.get("detector_results"), f"{where}: attempt.detector_results")
    for detector, scores in found.items():
        for score in listing(scores, f"{where}: {detector}"):
            if isinstance(score, bool) or not (score is None or isinstance(score, int | float)):
                refuse(f"a score of {detector[:60]!r} is not a number", where)
    return found


def _adds_up(attempts: list[dict[str, Any]], evals: list[dict[str, Any]], threshold: float, where: str) -> None:
    shown: Counter[tuple[str, str, str]] = Counter()
    for attempt in attempts:
        probe = text(attempt.get("probe_classname"), f"{where}: attempt.probe_classname")
        for detector, scores in _scores(attempt, where).items():
            for score in scores:
                kind = "nones" if score is None else "passed" if score < threshold else "fails"
                shown[probe, detector, kind] += 1
    said: Counter[tuple[str, str, str]] = Counter()
    for one in evals:
        names = (text(one.get("probe"), f"{where}: eval.probe"), text(one.get("detector"), f"{where}: eval.detector"))
        for kind in ("passed", "fails", "nones"):
            said[(*names, kind)] += count(one.get(kind), f"{where}: eval.{kind} (garak 0.14 or newer writes it)")
    if +shown != +said:
        odd = sorted(set((+shown).items()) ^ set((+said).items()))[0][0]
        refuse(f"{' '.join(odd)}: the attempts show {shown[odd]}, the evaluation says {said[odd]}", where)
