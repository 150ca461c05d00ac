"""The record of one incident: what happened, to whom, who leads, what was done, and the proof that ends it.

In: what the runtime and people found. Out: one value, kept in the store and, whole, in every ledger entry about it.
Nothing here is computed twice: times to detect and to degrade and the clocks of the law follow from these fields
(`respond.incident_times`). Contributing factors have no field for a person, so that nobody can be written into one.

Shape: Netflix Dispatch's incident (title, status, commander, scribe, reporter, tasks) with what a model's incident
needs beside it. `read_incident` also reads what was stored before these fields were there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from shipworthy.facts.base import Digest, Fact
from shipworthy.facts.posture import Scope

Status = Literal["active", "stable", "closed"]
Detection = Literal["slo", "ood", "never_event", "abuse-log", "user", "drill", "person"]
HarmType = Literal[
    "none", "other", "health", "rights", "property", "environment", "critical_infrastructure", "widespread", "death"
]
HarmSeverity = Literal["none", "minor", "major", "severe"]
FactorKind = Literal["data", "model", "contract", "monitoring", "procedure", "environment", "dependency", "attack"]


class Harm(Fact, frozen=True, kw_only=True):
    """What was done to people. `type` decides which clocks of the law run; `groups`: who was hit, never names."""

    type: HarmType
    severity: HarmSeverity
    groups: tuple[str, ...] = ()


class Reference(Fact, frozen=True, kw_only=True):
    """An entry of a public catalogue, such as ATLAS or an OWASP list, in its pinned version."""

    catalogue: str
    version: str
    id: str


class Task(Fact, frozen=True, kw_only=True):
    """What is still to be done; `owner`: a person's id or a role."""

    what: str
    owner: str
    done: bool = False


class Factor(Fact, frozen=True, kw_only=True):
    """What contributed: a kind of thing and what about it. Conditions contribute, people do not."""

    kind: FactorKind
    what: str


class Report(Fact, frozen=True, kw_only=True):
    """A report made to an authority under a rule, when the ledger was told of it."""

    rule: str
    at: str


class RegressionCase(Fact, frozen=True, kw_only=True):
    """A pack case that this incident became, as it was promoted: `terms` is the digest of the case with its rows.

    `shows` False: it only bounds the price of a fix. `fails_on`, `passes_on`: `<version>@<artefact digest>`, once
    closing has shown it.
    """

    id: str
    terms: Digest = ""
    rows: Digest = ""
    n: int = 0
    shows: bool = True
    promoted_at: str = ""
    fails_on: str = ""
    passes_on: str = ""


class Reopened(Fact, frozen=True, kw_only=True):
    """A recurrence: when, by which order, after which closing, and on which version the incident was before."""

    at: str
    order: str
    closed_at: str
    version: str


class Incident(Fact, frozen=True, kw_only=True):
    """One incident. `revision` grows by one with each change, so that no change is lost or made twice.

    `slo`: the SLO or never event that was breached, "" when people reported it. `began_at`: since when the fault acted,
    as far as windows show; `reported_at`: when this record began; `aware_at`: when the clocks of the law began, never
    later than that; `degraded_at`: when the first order held. `decisions_affected`: answered in scope from `began_at`
    to `degraded_at`, None when no window tells. `threat_model_update`: the threats bound to its cases, or why none.

    `severity` and `harm` are what people think now, and one person may correct them. `worst_severity` ("" = `severity`)
    and `former_harms` (with a clock, since it last came back) are what was said before and is gone from there.
    """

    id: str
    title: str
    severity: str
    owner: str
    scope: Scope
    reported_at: str
    revision: int = 1
    description: str = ""
    status: Status = "active"
    slo: str = ""
    detected_by: Detection = "slo"
    reporter: str = "machine"
    commander: str = ""
    scribe: str = ""
    began_at: str = ""
    aware_at: str = ""
    degraded_at: str = ""
    stable_at: str = ""
    closed_at: str = ""
    tenants: tuple[str, ...] = ()
    decisions_affected: int | None = None
    harm: Harm | None = None
    refs: tuple[Reference, ...] = ()
    orders: tuple[str, ...] = ()
    tasks: tuple[Task, ...] = ()
    contributing_factors: tuple[Factor, ...] = ()
    reports: tuple[Report, ...] = ()
    cases: tuple[RegressionCase, ...] = ()
    note_update: Digest = ""
    threat_model_update: str = ""
    reopened: tuple[Reopened, ...] = ()
    links: tuple[str, ...] = ()
    worst_severity: str = ""
    former_harms: tuple[HarmType, ...] = ()

    @property
    def gravest(self) -> str:
        """The worst severity that it ever had: what it counts as for gate and escalation."""
        return self.worst_severity or self.severity

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The ids of the cases that show the failure."""
        return tuple(one.id for one in self.cases if one.shows)


def read_incident(plain: Mapping[str, Any]) -> Incident:
    """Return the record, also of a body from before these fields: `open` and `promoted` are `active`, `opened_at` is
    `reported_at`, one `order` is the first of `orders`. Raises msgspec.ValidationError for anything else."""
    if "opened_at" not in plain:
        return msgspec.convert(plain, Incident)
    kept = {key: value for key, value in plain.items() if key not in ("opened_at", "order", "status", "cases")}
    at, order = plain["opened_at"], plain.get("order")
    status = "closed" if plain.get("status") == "closed" else "active"
    cases = [{"id": name} for name in plain.get("cases", ())]
    first = {"orders": [order], "degraded_at": at} if order else {}
    return msgspec.convert(
        {**kept, **first, "reported_at": at, "aware_at": at, "status": status, "cases": cases}, Incident
    )
