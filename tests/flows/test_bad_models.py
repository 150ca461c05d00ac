"""Models that crash, hang, reach out or answer nonsense: each case says so, in time, and the rest still runs."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import msgspec
import pytest

from shipworthy.artifact.run.fence import can_enter
from shipworthy.facts import CaseResult
from shipworthy.flows.evaluate import Engine, evaluate, evaluate_case
from shipworthy.flows.evidence import CASES, RUN
from tests.flows.tiny import Tiny

OUTSIDE = "192.0.2.1"  # TEST-NET-1 of RFC 5737: belongs to nobody
HIDDEN = """  - id: shift.hidden
    clause: robustness
    kind: shift
    generator: {name: hide_feature, feature: supplier, dataset: test, sample: 100}
    oracle: {name: denied, hits: "decision == 'deny'", among: "label == 1", op: "<=", target: 0.5}
    severity: minor
    owner: ben
"""


def with_hidden(tiny: Tiny, does: str, budget: str = "") -> Tiny:
    """The model does something of its own where the supplier is one it does not know."""
    pack = tiny.root / "robustness-pack.yaml"
    pack.write_text(pack.read_text() + HIDDEN + (f"    budget: {budget}\n" if budget else ""))
    model = tiny.root / "model" / "model.py"
    begin = "def answer(row):\n"
    inside = f'{begin}    if row["supplier"] == "never-seen-before":\n        {does}\n'
    model.write_text(model.read_text().replace(begin, inside))
    return tiny


def by_case(tiny: Tiny) -> dict[str, CaseResult]:
    return {one.case: one for one in tiny.evaluate().cases}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("does", "status", "told"),
    [
        ("import os; os._exit(3)", "error", "the model process ended"),
        ("return {'score': float('nan')}", "pass", "0 of"),
        ("return {'score': 7}", "pass", "0 of"),
        ("return 'high'", "error", "has no attribute"),
        ("raise ValueError('what is this?')", "error", "what is this?"),
        ("import random; return {'score': random.random()}", "error", "answers the same row differently"),
        (f"import socket; socket.create_connection(('{OUTSIDE}', 80), 0.01)", "error", "NetworkRefused"),
        ("x = [0] * (1 << 40)", "error", "MemoryError"),
    ],
)
def test_what_one_row_does_to_the_model_stays_with_the_case(prepared: Tiny, does: str, status: str, told: str) -> None:
    before = by_case(prepared)
    found = by_case(with_hidden(prepared, does))
    hidden = found.pop("shift.hidden")
    assert hidden.status == status, hidden.because
    assert told in hidden.because, hidden.because
    assert {name: one.status for name, one in found.items()} == {name: one.status for name, one in before.items()}


@pytest.mark.slow
def test_a_model_that_hangs_costs_its_case_its_seconds_and_no_more(prepared: Tiny) -> None:
    tiny = with_hidden(prepared, "import time; time.sleep(600)", "{seconds: 1.5}")
    began = time.monotonic()
    found = by_case(tiny)
    assert time.monotonic() - began < 30
    assert found["shift.hidden"].status == "error"
    assert "did not answer" in found["shift.hidden"].because
    assert found["tail.fast"].status == "pass"
    assert evaluate_case(tiny.root, "ood.months").status == "pass"


@pytest.mark.slow
def test_a_model_that_never_answers_leaves_nothing_green(prepared: Tiny) -> None:
    model = prepared.root / "model" / "model.py"
    model.write_text(model.read_text().replace("def answer(row):\n", "def answer(row):\n    raise OSError('gone')\n"))
    evidence = prepared.evaluate()
    by = {one.case: one for one in evidence.cases}
    assert by["backdoor"].status == "pass"
    assert {by[name].status for name in ("tail.fast", "ood.months", "bias.old")} == {"error"}
    assert "OSError: gone" in by["tail.fast"].because
    assert {one.value for one in evidence.measurements if one.indicator in ("error_rate", "decision_ece")} == {None}
    assert evidence.paired is None
    assert prepared.judge().verdict.decision != "ship"


@pytest.mark.slow
def test_a_fenced_model_reaches_not_even_a_listener_on_this_machine(prepared: Tiny) -> None:
    if not can_enter():
        pytest.skip("this system gives ordinary users no namespaces")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        does = (
            "import ctypes, struct; c = ctypes.CDLL(None); "
            f"a = struct.pack('<H', 2) + struct.pack('>H', {port}) + bytes([127, 0, 0, 1]) + bytes(8); "
            "return {'score': 0.99 if c.connect(c.socket(2, 1, 0), a, 16) == 0 else 0.01}"
        )
        found = by_case(with_hidden(prepared, does))
        with pytest.raises(TimeoutError):
            listener.accept()
    assert found["shift.hidden"].status != "error", found["shift.hidden"].because
    run = msgspec.json.decode((folder(prepared) / RUN).read_bytes())
    assert run["network"] == "none"


@pytest.mark.slow
def test_two_workers_and_one_show_the_same_bytes(prepared: Tiny) -> None:
    prepared.evaluate()
    alone = (folder(prepared) / "evidence.jsonl").read_bytes()
    lines: list[str] = []
    evaluate(prepared.workspace, lines.append, Engine(workers=2))
    assert (folder(prepared) / "evidence.jsonl").read_bytes() == alone
    assert len(lines) == 5
    assert lines[-1].startswith("5 of 5 measured: ")
    assert not list((prepared.root / ".shipworthy" / "cache" / "evaluate").iterdir())


def test_every_case_has_a_line_of_its_own_with_what_it_was_shown_of(prepared: Tiny) -> None:
    evidence = prepared.evaluate()
    lines = [msgspec.json.decode(line) for line in (folder(prepared) / CASES).read_bytes().splitlines()]
    assert [line["case"] for line in lines] == [one.case for one in evidence.cases]
    for line in lines:
        assert {line["artefact"], line["data"], line["pack"]} == {
            evidence.subject.artefact, evidence.subject.data, evidence.subject.pack,
        }  # fmt: skip
        assert {
            "n",
            "hits",
            "value",
            "lo",
            "hi",
            "seed",
            "queries",
            "requested",
            "worst",
            "material",
            "segment",
        } <= set(line)
        assert line["tool"] == "shipworthy"
        assert len(line["worst"]) <= 5


def folder(tiny: Tiny) -> Path:
    return max((tiny.root / ".shipworthy" / "evidence").iterdir(), key=lambda one: one.stat().st_mtime_ns)
