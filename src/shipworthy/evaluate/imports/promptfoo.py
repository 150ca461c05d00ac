"""promptfoo: `promptfoo eval -o results.json`, results of version 3.

Traps: a result whose provider or assertion broke has `failureReason` 2 and is counted in `stats.errors` only, so that
`successes / (successes + failures)` leaves it out; here it counts. A file that compares several prompts or providers
speaks of several subjects, and is refused. Repeats of one test count once, by their worst.
"""

from __future__ import annotations

from shipworthy.artifact.strict import loads
from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import count, listing, mapping, refuse, text, version

_PASSED, _FAILED, _ERROR = 0, 1, 2  # failureReason


def read(raw: bytes, where: str) -> Results:
    """Return the results of a promptfoo run. Raises CannotDecide when its parts disagree or it has several subjects."""
    file = mapping(loads(raw, where), where)
    summary = mapping(file.get("results"), f"{where}: results")
    version(summary.get("version"), (3,), f"{where}: results.version")
    rows = [
        mapping(one, f"{where}: results.results")
        for one in listing(summary.get("results"), f"{where}: results.results")
    ]
    _one_subject(rows, where)
    results = tuple(_row(row, f"{where}: results.results[{index}]") for index, row in enumerate(rows))
    _as_counted(mapping(summary.get("stats"), f"{where}: results.stats"), results, where)
    metadata = mapping(file.get("metadata") or {}, f"{where}: metadata")
    return Results(tool="promptfoo", tool_version=str(metadata.get("promptfooVersion", "")), results=results)


def _row(row: dict[str, object], where: str) -> Result:
    success, reason = row.get("success"), count(row.get("failureReason"), f"{where}.failureReason")
    if not isinstance(success, bool) or reason not in (_PASSED, _FAILED, _ERROR) or success is not (reason == _PASSED):
        refuse(f"success is {success!r} with failureReason {reason}", where)
    ended: Ended = "errored" if reason == _ERROR else "failed" if reason == _FAILED else "passed"
    return Result(test=str(count(row.get("testIdx"), f"{where}.testIdx")), ended=ended)


def _one_subject(rows: list[dict[str, object]], where: str) -> None:
    providers = {
        text(mapping(row.get("provider"), f"{where}: provider").get("id"), f"{where}: provider.id") for row in rows
    }
    prompts = {text(row.get("promptId"), f"{where}: promptId") for row in rows}
    if len(providers) > 1 or len(prompts) > 1:
        told = f"results of {len(providers)} providers and {len(prompts)} prompts: which one is this model?"
        refuse(told, where)


def _as_counted(stats: dict[str, object], results: tuple[Result, ...], where: str) -> None:
    for key, ended in (("successes", "passed"), ("failures", "failed"), ("errors", "errored")):
        said, shown = count(stats.get(key), f"{where}: results.stats.{key}"), sum(one.ended == ended for one in results)
        if said != shown:
            refuse(f"stats say {said} {key}, the results show {shown}", where)
