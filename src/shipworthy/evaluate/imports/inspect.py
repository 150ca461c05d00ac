"""Inspect: an evaluation log written as JSON (`inspect eval --log-format json`), version 2.

Traps: the accuracy that Inspect reports leaves out samples that broke, and its exit code says whether the run is
complete, not whether the model is good. Here each sample of the dataset counts: one that broke or was not scored is an
error, and its epochs count once, by their worst. With several scorers a sample passes only when all of them say so.
"""

from __future__ import annotations

from collections import Counter

from shipworthy.artifact.strict import loads
from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import count, listing, mapping, refuse, version

_CORRECT, _OTHER = ("C", 1), ("I", "P", "N", 0)  # correct; incorrect, partial, no answer


def read(raw: bytes, where: str) -> Results:
    """Return the samples of an Inspect log. Raises CannotDecide when the run did not end well or any are missing."""
    log = mapping(loads(raw, where), where)
    version(log.get("version"), (2,), f"{where}: version")
    if log.get("status") != "success":
        refuse(f"the run ended with {str(log.get('status'))[:40]!r}, not success", where)
    if log.get("invalidated") not in (None, False):
        refuse("the log is invalidated", where)
    spec = mapping(log.get("eval"), f"{where}: eval")
    samples = [mapping(one, f"{where}: samples") for one in listing(log.get("samples"), f"{where}: samples")]
    _all_there(mapping(log.get("results"), f"{where}: results"), spec, samples, where)
    packages = mapping(spec.get("packages") or {}, f"{where}: eval.packages")
    results = tuple(_sample(one, f"{where}: samples[{index}]") for index, one in enumerate(samples))
    return Results(tool="inspect_ai", tool_version=str(packages.get("inspect_ai", "")), results=results)


def _sample(sample: dict[str, object], where: str) -> Result:
    return Result(test=_id(sample, where), ended=_ended(sample, where))


def _id(sample: dict[str, object], where: str) -> str:
    name = sample.get("id")
    if isinstance(name, bool) or not isinstance(name, int | str) or name == "":
        refuse("a sample without an id", where)
    return f"{type(name).__name__}:{name}"


def _ended(sample: dict[str, object], where: str) -> Ended:
    scores = mapping(sample.get("scores") or {}, f"{where}.scores")
    if sample.get("error") or not scores:
        return "errored"
    ended: Ended = "passed"
    for name, score in scores.items():
        value = mapping(score, f"{where}.scores.{name}").get("value")
        if value not in (*_CORRECT, *_OTHER) and not isinstance(value, float):
            refuse(f"the score {str(value)[:40]!r} of {name[:40]!r} is not a mark (C, I, P, N) or a number", where)
        if value not in _CORRECT:
            ended = "failed"
    return ended


def _all_there(
    results: dict[str, object], spec: dict[str, object], samples: list[dict[str, object]], where: str
) -> None:
    total = count(results.get("total_samples"), f"{where}: results.total_samples")
    if total != len(samples):
        refuse(f"{total} samples ran, the log holds {len(samples)}: write it with its samples", where)
    ids = listing(mapping(spec.get("dataset"), f"{where}: eval.dataset").get("sample_ids"), f"{where}: eval.dataset")
    seen = Counter(_id(one, where) for one in samples)
    missing = [name for name in ids if not seen[f"{type(name).__name__}:{name}"]]
    if missing:
        refuse(f"{len(missing)} of {len(ids)} samples of the dataset are missing", where)
