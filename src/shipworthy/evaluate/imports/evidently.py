"""Evidently: the JSON of a report that ran with tests (`Report(…, include_tests=True)`, then `.json()`).

`{"metrics": […], "tests": [{"id", "name", "status", "metric_config", …}]}`, as of Evidently 0.7. A `WARNING` is a test
that is not critical and did not hold: it is no pass. A report without tests shows numbers and judges nothing.
"""

from __future__ import annotations

from shipworthy.artifact.strict import loads
from shipworthy.evaluate.imports.results import Ended, Result, Results
from shipworthy.evaluate.imports.shape import listing, mapping, refuse, text

_ENDED: dict[str, Ended] = {
    "SUCCESS": "passed",
    "FAIL": "failed",
    "WARNING": "failed",
    "ERROR": "errored",
    "SKIPPED": "skipped",
}


def read(raw: bytes, where: str) -> Results:
    """Return the tests of an Evidently report. Raises CannotDecide when it is not one or ran without tests."""
    report = mapping(loads(raw, where), where)
    if not {"metrics", "tests"} <= set(report):
        refuse("not an Evidently report (0.7 or newer): no `metrics` and `tests`", where)
    tests = listing(report["tests"], f"{where}: tests")
    if not tests:
        refuse("the Evidently report holds no tests: run it with include_tests=True", where)
    return Results(
        tool="evidently",
        tool_version="",
        results=tuple(_test(one, f"{where}: tests[{i}]") for i, one in enumerate(tests)),
    )


def _test(value: object, where: str) -> Result:
    test = mapping(value, where)
    status = text(test.get("status"), f"{where}.status")
    if status not in _ENDED:
        refuse(f"the status {status[:40]!r} is not known", where)
    metric = mapping(test.get("metric_config"), f"{where}.metric_config")
    named = (text(test.get("name"), f"{where}.name"), text(test.get("id"), f"{where}.id"))
    return Result(test="/".join((*named, str(metric.get("metric_id", "")))), ended=_ENDED[status])
