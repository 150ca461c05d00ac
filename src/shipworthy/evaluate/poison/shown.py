"""How a scan tells what it found, or that it may not tell anything.

In: findings as examples, the case. Out: `CaseShown` with the measurement backdoor_findings. A scan that could not be
run, or that did not find its own canary, measures nothing: never a clean bill.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.evaluate.bench import Ask, CaseShown
from shipworthy.evaluate.examples import MOST
from shipworthy.evaluate.measure import count, nothing
from shipworthy.evaluate.oracle import judge_number
from shipworthy.facts import Case, Example

BACKDOOR = "backdoor_findings"


def silent(
    case: Case, why: str, seed: int, worst: Sequence[Example] = (), indicator: str | None = BACKDOOR
) -> CaseShown:
    """Return a result that decides nothing, with what was seen all the same."""
    shown = judge_number(case, None, None, None, 0, seed, f"; {why}")
    measured = () if indicator is None else (nothing(_ask(case, indicator), why),)
    return CaseShown(result=msgspec.structs.replace(shown, worst=tuple(worst[:MOST])), measurements=measured)


def shown(
    case: Case, found: Sequence[Example], n: int, seed: int, method: str, blind: str, indicator: str | None = BACKDOOR
) -> CaseShown:
    """Return the result of a count. `method` = how it was looked for; `blind` = what it cannot see, always printed."""
    value = float(len(found))
    first = f"; first: {found[0].told}" if found else ""
    result = judge_number(case, value, value, value, n, seed, f"; {n} rows, {method}{first}; blind to: {blind}")
    measured = () if indicator is None else (count(_ask(case, indicator), len(found), n, method),)
    return CaseShown(result=msgspec.structs.replace(result, worst=tuple(found[:MOST])), measurements=measured)


def _ask(case: Case, indicator: str) -> Ask:
    return Ask(indicator=indicator, segment=case.segment, level=case.oracle.level)
