"""`on_call:`: whom the contract names for a page, and when a change of it is a loosening."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.contract.contract import make_lock
from shipworthy.contract.loosening import loosenings
from shipworthy.contract.loosening_on_call import on_call_rows
from shipworthy.contract.manifest import Stakes
from shipworthy.contract.manifest_reader import named_files, read_manifest
from shipworthy.contract.on_call import Ladder, OnCall, Rung
from shipworthy.facts import Severity
from tests.contract.loosening_kit import MANIFEST, SHA, SLOS, replace
from tests.contract.repository import standard, whole

SECTION = """on_call:
  commander: ana
  runbook: https://runbooks.example/triage
  escalation:
    - {after: 5m, to: reviewer}
    - {after: 20m, to: operator}
  severities:
    SEV1: {commander: operator, escalation: [{after: 1m, to: ana}], runbook: docs/sev1.md}
"""


def faults(text: str) -> list[str]:
    return [problem.what for problem in read_manifest(standard() + text)[2]]


def test_a_section_in_order_is_read_and_a_severity_has_its_own_path() -> None:
    manifest, _, problems = read_manifest(standard() + SECTION)
    assert problems == ()
    assert manifest is not None
    assert manifest.on_call is not None
    worst, other = manifest.on_call.ladder(Severity.SEV1), manifest.on_call.ladder(Severity.SEV3)
    assert (worst.commander, [one.to for one in worst.escalation], worst.runbook) == (
        "operator",
        ["ana"],
        "docs/sev1.md",
    )
    assert (other.commander, [one.after for one in other.escalation]) == ("ana", ["5m", "20m"])
    assert other.runbook == "https://runbooks.example/triage"
    assert [name for _, name in named_files(manifest) if name.endswith("sev1.md")] == ["docs/sev1.md"]
    assert not any("https" in name for _, name in named_files(manifest))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("commander: ana", "commander: nobody", "nobody is, or has the role, 'nobody'"),
        ("to: reviewer", "to: ghost", "nobody is, or has the role, 'ghost'"),
        ("[{after: 1m, to: ana}]", "[{after: 1m, to: eve}]", "nobody is, or has the role, 'eve'"),
        ("after: 20m", "after: 5m", "5m is no later than the step before"),
        ("after: 20m", "after: 4m", "4m is no later than the step before"),
        ("after: 20m", "after: soon", "soon"),
        ("after: 20m", "after: rolling", "rolling"),
        ("SEV1:", "SEV9:", "no severity is named 'SEV9'"),
        ("docs/sev1.md", "../sev1.md", "not a plain path inside the repository"),
        ("https://runbooks.example/triage", "http://runbooks.example", "not a plain path inside the repository"),
    ],
)
def test_each_fault_is_told(old: str, new: str, told: str) -> None:
    assert SECTION.count(old) == 1
    assert any(told in what for what in faults(SECTION.replace(old, new)))


PATH = OnCall(commander="ana", escalation=(Rung(after="5m", to="ben"), Rung(after="20m", to="sre")))


@pytest.mark.parametrize(
    ("new", "rows"),
    [
        (None, ["on_call: removed"]),
        (PATH, []),
        (OnCall(commander="ben", escalation=PATH.escalation), []),
        (OnCall(commander="ana", escalation=(*PATH.escalation, Rung(after="1h", to="ed"))), []),
        (OnCall(commander="ana", escalation=(Rung(after="4m", to="x"), Rung(after="20m", to="y"))), []),
        (
            OnCall(commander="ana", escalation=(Rung(after="6m", to="ben"), Rung(after="20m", to="sre"))),
            [f"on_call SEV{n}: step 1 after 5m → 6m" for n in (1, 2, 3, 4)],
        ),
        (
            OnCall(commander="ana", escalation=PATH.escalation, severities={"SEV1": Ladder(escalation=())}),
            ["on_call SEV1: 2 steps of escalation → 0"],
        ),
    ],
)
def test_a_path_that_is_gone_slower_or_shorter_is_a_row(new: OnCall | None, rows: list[str]) -> None:
    assert list(on_call_rows(PATH, new)) == rows


def test_a_first_path_loosens_nothing() -> None:
    assert list(on_call_rows(None, PATH)) == []


@pytest.mark.parametrize(("stakes", "rows"), [("high", ("on_call: removed",)), ("standard", ())])
def test_only_at_high_stakes_is_a_worse_path_a_loosening(stakes: Stakes, rows: tuple[str, ...], tmp_path: Path) -> None:
    contract = whole(tmp_path, slos=SLOS, manifest=MANIFEST)
    at = replace(contract, manifest=replace(contract.manifest, stakes=stakes, on_call=PATH))
    lock = make_lock(at, at.subject(SHA, SHA), "{}")
    assert lock.on_call == PATH
    assert loosenings(lock, replace(at, manifest=replace(at.manifest, on_call=None))) == rows
    assert loosenings(lock, at) == ()
