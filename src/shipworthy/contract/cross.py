"""What the files of a contract say of each other: limits and their decisions, cases and their threats, words for
groups.

In: the parts that were read. Out: faults at the place that names what is not there, and the names that one file offers
to the expressions and references of another.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract import slos
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.manifest_reader import key_values, segment_keys
from shipworthy.contract.problems import Findings, Path, did_you_mean
from shipworthy.contract.record import DecisionRecord, find_record
from shipworthy.contract.slos import Declared
from shipworthy.contract.threats import Bindable, ThreatModel
from shipworthy.expr import ExprError, compile_expr
from shipworthy.facts import Case, Policy, parse_segment


def inputs(manifest: Manifest) -> frozenset[str]:
    """Return the names of a request's fields that the manifest declares: features, segment keys, tenant and unit."""
    named = {feature.name for feature in manifest.features} | segment_keys(manifest)
    return frozenset(named | ({manifest.unit} if manifest.unit else set()))


def declared(manifest: Manifest | None) -> Declared:
    """Return what the manifest declares to the policy; nothing is known of a manifest that could not be read."""
    if manifest is None:
        return Declared()
    return Declared(
        names=inputs(manifest) | slos.ANSWER_NAMES,
        endpoints=frozenset(endpoint.name for endpoint in manifest.endpoints),
        served=next((endpoint.name for endpoint in manifest.endpoints), None),
        segment_keys=key_values(manifest),
    )


def bindable(
    policy: Policy | None, cases: tuple[Case, ...] | None, records: Iterable[DecisionRecord] | None
) -> Bindable:
    """Return what threats can be bound to. A decision answers to its id, its path and its number."""
    return Bindable(
        case=None if cases is None else frozenset(case.id for case in cases),
        slo=None if policy is None else frozenset(slo.name for slo in policy.slos),
        never_event=None if policy is None else frozenset(event.name for event in policy.never_events),
        decision=None if records is None else frozenset(name for record in records for name in record.names),
    )


def limits_decided(manifest: Manifest, records: tuple[DecisionRecord, ...], found: Findings) -> None:
    """Note each scope limit whose decision is not there, or does not stand."""
    for index, limit in enumerate(manifest.scope_limits):
        record = find_record(records, limit.decision)
        path: Path = ("scope_limits", index, "decision")
        if record is None:
            told = did_you_mean(limit.decision, [record.file for record in records])
            found.add(path, f"no decision record {limit.decision!r}", told)
        elif not record.accepted:
            told = f"the decision {record.id} is {record.front.status}"
            found.add(path, told, "a limit needs a decision that stands: `status: accepted`")


def threats_known(cases: Iterable[Case], threats: ThreatModel | None, found: Findings) -> None:
    """Note each case that names a threat which is not in the threat model."""
    known = frozenset(threat.id for threat in threats.threats) if threats is not None else frozenset[str]()
    for index, case in enumerate(cases):
        if case.threat is not None and case.threat not in known:
            told = f"case {case.id!r}: no threat is named {case.threat!r}"
            found.add(("cases", index, "threat"), told, did_you_mean(case.threat, known))


def measured(manifest: Manifest, policy: Policy | None, cases: tuple[Case, ...] | None) -> frozenset[str]:
    """Return the words that name a group which something measures.

    Protected features (audited on every evaluation), keys and values of the segments that SLOs and pack cases name, and
    the inputs by which a pack case picks its rows. A feature that nothing measures is not one of them.
    """
    found = tuple(cases or ())
    segments = [case.segment for case in found]
    segments += [segment for slo in (policy.slos if policy is not None else ()) for segment in slo.segments]
    terms = [term for segment in segments for term in parse_segment(segment).items()]
    words = {feature.name for feature in manifest.features if feature.protected} | {key for key, _ in terms}
    picked = {name for case in found for name in _picks_by(case)} & inputs(manifest)
    return frozenset(words | picked | {value for _, values in terms for value in values})


def _picks_by(case: Case) -> frozenset[str]:
    """Return the names by which a case picks its rows; none when the filter cannot be read: that is told elsewhere."""
    where = (case.input or case.generator or {}).get("where")
    try:
        return compile_expr(where).names if isinstance(where, str) else frozenset()
    except ExprError:
        return frozenset()
