"""Small results files of other tools, made here in the shape that each of them writes."""

from __future__ import annotations

import json
from typing import Any


def dump(value: Any) -> bytes:
    """Return JSON bytes."""
    return json.dumps(value).encode()


def junit(cases: str, attributes: str = "") -> bytes:
    """Return one suite."""
    return (
        f'<?xml version="1.0"?><testsuites><testsuite name="s" {attributes}>{cases}</testsuite></testsuites>'.encode()
    )


def evidently(*statuses: str) -> dict[str, Any]:
    """Return a report with one test a status."""
    tests = [
        {
            "id": "lt",
            "name": f"Share {index}",
            "description": "told",
            "metric_config": {"metric_id": f"{index:032x}", "params": {"type": "evidently:metric_v2:MinValue"}},
            "test_config": {},
            "status": status,
        }
        for index, status in enumerate(statuses)
    ]
    return {"metrics": [{"id": "0" * 32, "metric_name": "MinValue(column=age)", "value": 1.0}], "tests": tests}


def promptfoo(*reasons: int, stats: dict[str, int] | None = None) -> dict[str, Any]:
    """Return a run with one test a failure reason: 0 passed, 1 failed, 2 error."""
    rows = [
        {
            "id": f"r{index}",
            "testIdx": index,
            "promptIdx": 0,
            "promptId": "p",
            "provider": {"id": "echo", "label": ""},
            "success": reason == 0,
            "score": int(reason == 0),
            "failureReason": reason,
        }
        for index, reason in enumerate(reasons)
    ]
    counted = {"successes": reasons.count(0), "failures": reasons.count(1), "errors": reasons.count(2)}
    return {
        "evalId": "eval-x",
        "results": {"version": 3, "timestamp": "t", "prompts": [], "results": rows, "stats": stats or counted},
        "config": {},
        "metadata": {"promptfooVersion": "0.121.20"},
    }


def inspect(*marks: Any, ids: list[int] | None = None) -> dict[str, Any]:
    """Return a log with one sample a mark; None = the sample broke."""
    samples = [
        {
            "id": index + 1,
            "epoch": 1,
            "scores": {} if mark is None else {"includes": {"value": mark, "answer": "a"}},
            **({"error": {"message": "boom"}} if mark is None else {}),
        }
        for index, mark in enumerate(marks)
    ]
    done = sum(mark is not None for mark in marks)
    return {
        "version": 2,
        "status": "success",
        "invalidated": False,
        "eval": {
            "task": "demo",
            "dataset": {"samples": len(marks), "sample_ids": ids or list(range(1, len(marks) + 1))},
            "packages": {"inspect_ai": "0.3.285"},
        },
        "results": {"total_samples": len(marks), "completed_samples": done, "scores": []},
        "samples": samples,
    }


def garak(*attempts: list[float | None], **changes: Any) -> list[dict[str, Any]]:
    """Return the entries of a report with one attempt a list of scores, all of one probe and detector."""
    told: list[dict[str, Any]] = [
        {"entry_type": "start_run setup", "_config.version": "0.17.1", "run.eval_threshold": 0.5},
        {"entry_type": "init", "garak_version": "0.17.1", "run": "r"},
    ]
    for index, scores in enumerate(attempts):
        one = {"entry_type": "attempt", "uuid": f"u{index}", "probe_classname": "dan.Dan", "outputs": []}
        told += [
            {**one, "status": 1, "detector_results": {}},
            {**one, "status": 2, "detector_results": {"dan.DAN": scores}},
        ]
    flat = [score for scores in attempts for score in scores]
    counted = {
        "passed": sum(score is not None and score < 0.5 for score in flat),
        "fails": sum(score is not None and score >= 0.5 for score in flat),
        "nones": flat.count(None),
    }
    told.append({"entry_type": "eval", "probe": "dan.Dan", "detector": "dan.DAN", **counted, **changes})
    told.append({"entry_type": "completion", "run": "r"})
    return told


def lines(entries: list[dict[str, Any]]) -> bytes:
    """Return JSON lines."""
    return b"".join(dump(entry) + b"\n" for entry in entries)
