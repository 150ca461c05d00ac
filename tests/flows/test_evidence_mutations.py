"""Each field of real evidence on which a release rests, lost or spoilt in every way: nothing of it ships.

The evidence is that of the tiny repository as it lies on disk; what reads it is what the gate reads it with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
import pytest

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide
from shipworthy.facts import Decision, Evidence
from shipworthy.flows.evidence import EVIDENCE
from shipworthy.gate.verdict import Question, give_verdict
from shipworthy.indicators import INDICATORS
from tests.flows.tiny import Tiny

Path = tuple[str | int, ...]
GONE = object()
DEFAULTS = {"segment": "*", "source": "offline", "level": 0.95, "design_effect": 1.0, "part": None, "quantile": None}
RESTS = {
    "indicator",
    "segment",
    "source",
    "n",
    "hits",
    "value",
    "lo",
    "hi",
    "level",
    "design_effect",
    "part",
    "quantile",
}
CASE_RESTS = {"case", "status", "n", "hits", "value", "lo", "hi", "target"}
OTHER = "sha256:" + "f" * 64


@pytest.fixture(scope="module")
def given(_prepared: Tiny) -> tuple[Question, dict[str, Any]]:
    """The question a first release is judged on, and its evidence as JSON."""
    judged = _prepared.judge()
    assert judged.verdict.decision is Decision.SHIP
    subject = judged.verdict.subject
    raw = (_prepared.workspace.evidence(subject.artefact) / EVIDENCE).read_bytes()
    contract = judged.contract
    asked = Question(subject=subject, policy=contract.policy, cases=contract.cases, evidence=None, baseline=None)
    return asked, json.loads(raw)


def ships(asked: Question, told: Any) -> bool:
    """Read evidence as the gate does and judge it; what cannot be read does not ship."""
    try:
        read = msgspec.convert(loads(json.dumps(told).encode(), "evidence"), Evidence, strict=True)
    except (CannotDecide, msgspec.ValidationError):
        return False
    return give_verdict(msgspec.structs.replace(asked, evidence=read)).decision is Decision.SHIP


def weighty(asked: Question, told: dict[str, Any]) -> Iterator[Path]:
    """Yield the paths of everything a verdict rests on: subject, coverage, what SLOs and deciding cases look at."""
    yield from (("subject", key) for key in told["subject"])
    yield from (("coverage", key) for key in told["coverage"])
    slos = {
        (slo.indicator, segment, slo.quantile) for slo in asked.policy.slos if not slo.trial for segment in slo.segments
    }
    for at, one in enumerate(told["measurements"]):
        if (one["indicator"], one["segment"], one["quantile"]) in slos and one["part"] is None:
            yield from (("measurements", at, key) for key in sorted(RESTS))
    deciding = {case.id for case in asked.cases if case.severity != "minor" and not case.trial}
    for at, one in enumerate(told["cases"]):
        if one["case"] in deciding:
            yield from (("cases", at, key) for key in sorted(CASE_RESTS))


def spoilt(value: Any) -> Iterator[Any]:
    """Yield everything that may stand in a value's place."""
    yield from (GONE, None, "", "NaN", float("nan"), float("inf"), -float("inf"), [], {}, -1, True, OTHER, "fail")
    if isinstance(value, list):
        yield from (value[1:], [*value, "more"], [*value, *value[:1]])
    if isinstance(value, float):
        yield from (str(value), 1e308)
    if isinstance(value, str):
        yield from (value + " ", value.upper() if value.upper() != value else value[:-1])


def changed(told: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    made = deepcopy(told)
    place: Any = made
    for key in path[:-1]:
        place = place[key]
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def test_nothing_that_a_verdict_rests_on_can_be_lost_or_spoilt(given: tuple[Question, dict[str, Any]]) -> None:
    asked, told = given
    assert ships(asked, told)
    tried, through = 0, []
    for path in weighty(asked, told):
        place: Any = told
        for key in path:
            place = place[key]
        for value in spoilt(place):
            same = value == place and type(value) is type(place)
            if same or (value is GONE and DEFAULTS.get(str(path[-1]), GONE) == place):
                continue  # nothing changed: the default is what stood there
            tried += 1
            if ships(asked, changed(told, path, value)):
                through.append((path, value))
    assert tried > 1000
    assert [one for one in through if not _harmless(one[0], one[1], told)] == []


def _harmless(path: Path, value: Any, told: dict[str, Any]) -> bool:
    """What is no rate is not made again from counts: a larger design effect changes nothing, hits may be left out."""
    if path[0] == "cases":  # an oracle `==` looks at the point alone
        return told["cases"][path[1]]["target"].startswith("==") and path[2] in ("lo", "hi")
    if path[0] != "measurements" or told["measurements"][path[1]]["indicator"] not in INDICATORS:
        return False
    kind = INDICATORS[told["measurements"][path[1]]["indicator"]].kind
    if kind == "rate":
        return False
    spoils_nothing = value in (GONE, None) or kind != "count"
    return (path[2] == "design_effect" and value == 1e308) or (path[2] == "hits" and spoils_nothing)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"subject":{},"subject":{}}', b"\xff\xfe", b"\x00" * 64])
def test_what_is_no_evidence_at_all_is_refused_in_one_line(text: bytes) -> None:
    with pytest.raises((CannotDecide, msgspec.ValidationError)) as refused:
        msgspec.convert(loads(text, "evidence"), Evidence, strict=True)
    assert "\n" not in str(refused.value)
