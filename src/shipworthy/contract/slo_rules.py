"""The rules of one SLO that no type can say: its name, window, target and numbers, against the table of indicators.

In: one SLO as written. Out: the row of the table it stands for, its percentile and its target; faults go to `Findings`.
"""

from __future__ import annotations

import math
import re
from typing import Literal, Protocol

import msgspec

from shipworthy.contract.problems import Findings, Path, did_you_mean
from shipworthy.facts import Target
from shipworthy.indicators import INDICATORS, Indicator, parse_name, window_seconds

TARGET = re.compile(r"(>=|<=|==)\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)")
_OPS: dict[str, Literal[">=", "<=", "=="]] = {">=": ">=", "<=": "<=", "==": "=="}
FREE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_SHARES = frozenset({"rate", "enumerated"})  # kinds whose value lies between 0 and 1


class ResolvedName(msgspec.Struct, frozen=True):
    """The row of the table that an SLO name stands for, and its percentile."""

    row: Indicator
    quantile: int | None


class Numbers(Protocol):
    """The numeric keys of an SLO as written."""

    @property
    def min_samples(self) -> int | None: ...
    @property
    def level(self) -> float: ...
    @property
    def primary(self) -> bool: ...
    @property
    def max_regression(self) -> float | None: ...
    @property
    def metric(self) -> str | None: ...


def resolve_name(name: str, indicator: str | None, window: str, path: Path, found: Findings) -> ResolvedName | None:
    """Return what the name (or `indicator:`) stands for, or None after noting why not."""
    key = (*path, "name" if indicator is None else "indicator")
    if indicator is not None and not FREE_NAME.fullmatch(name):
        found.add((*path, "name"), f"not an SLO name: {name!r}", "use letters, digits, _ . and -")
    try:
        base, quantile, suffix = parse_name(name if indicator is None else indicator)
    except ValueError as fault:
        found.add(key, str(fault), "for example decision_ece_p95_24h")
        return None
    row = INDICATORS.get(base)
    if row is None:
        found.add(key, f"unknown indicator {base!r}", did_you_mean(base, INDICATORS))
        return None
    _window(window, suffix or (_suffix(name) if indicator else None), path, found)
    if quantile is not None and row.kind not in ("interval", "quantile"):
        found.add(key, f"{base} is a {row.kind}: it has no percentile", f"remove _p{quantile}")
    if quantile is None and row.kind == "quantile":
        found.add(key, f"{base} needs a percentile", f"write {base}_p99")
    return ResolvedName(row, quantile)


def parse_target(text: str, name: ResolvedName | None, path: Path, found: Findings) -> Target | None:
    """Return the target of `>= 0.90`, or None after noting what is wrong with it."""
    key = (*path, "target")
    match = TARGET.fullmatch(text.strip())
    if match is None:
        found.add(key, f"not a target: {text!r}", 'write >=, <= or == and a finite number, such as ">= 0.90"')
        return None
    target = Target(op=_OPS[match[1]], value=float(match[2]))
    if not math.isfinite(target.value):
        found.add(key, f"not a finite number: {text!r}", "write a finite number")
        return None
    if name is not None:
        _fits(target, name.row, key, found)
    return target


def check_numbers(slo: Numbers, name: ResolvedName | None, path: Path, found: Findings) -> None:
    """Note numbers out of range, and a primary SLO that could not be compared with the baseline."""
    if slo.min_samples is not None and slo.min_samples < 1:
        found.add((*path, "min_samples"), "min_samples below 1", "no evidence is never enough: write 1 or more")
    if not 0.5 <= slo.level < 1:
        found.add((*path, "level"), f"level {slo.level:g} is not in [0.5, 1)", "write 0.95, or 0.99 to be more careful")
    if slo.max_regression is not None and slo.max_regression < 0:
        found.add((*path, "max_regression"), "max_regression is negative", "write how much worse is still accepted")
    if slo.primary and slo.max_regression is None:
        found.add((*path, "primary"), "primary without max_regression", "say how much worse is still accepted: 0.01")
    if slo.primary and name is not None and not name.row.paired:
        paired = ", ".join(row.name for row in INDICATORS.values() if row.paired)
        found.add((*path, "primary"), f"{name.row.name} cannot be compared row by row", f"primary is for {paired}")
    if slo.metric is not None and name is not None and name.row.name != "subgroup_gap":
        found.add((*path, "metric"), f"{name.row.name} takes no metric", "remove the key")


def _window(window: str, suffix: str | None, path: Path, found: Findings) -> None:
    try:
        seconds = window_seconds(window)
    except ValueError as fault:
        found.add((*path, "window"), str(fault), 'for example "24h"')
        return
    if suffix is not None and window_seconds(suffix) != seconds:
        found.add((*path, "window"), f"the name says {suffix}, the window {window}", "make the two agree")


def _suffix(name: str) -> str | None:
    try:
        return parse_name(name)[2]
    except ValueError:
        return None  # a free name need not follow the grammar


def _fits(target: Target, row: Indicator, key: Path, found: Findings) -> None:
    wrong_way = {">=": "down", "<=": "up"}.get(target.op)
    if target.op == "==" and row.kind not in ("count", "enumerated"):
        found.add(key, f"{row.name} is a {row.kind}: == can never be proven", "use >= or <=")
    elif wrong_way == row.good:
        better = "smaller" if row.good == "down" else "larger"
        right = "<=" if row.good == "down" else ">="
        found.add(key, f"{row.name} is better when {better}", f"write {right} {target.value:g}")
    elif row.kind in _SHARES and not 0 <= target.value <= 1:
        found.add(key, f"{row.name} lies between 0 and 1, the target is {target.value:g}", "write 0.9 for 90 percent")
    elif row.kind in _SHARES and (target.op, target.value) in ((">=", 0.0), ("<=", 1.0)):
        found.add(key, f"{target} can never be breached", "write a target that can fail, or remove the SLO")
