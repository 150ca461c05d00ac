"""The values that travel between rooms. No rules live here, only shapes, canonical bytes and the posture join."""

from __future__ import annotations

from shipworthy.facts.abuse import AbuseCount, AbuseKind
from shipworthy.facts.base import Digest, Fact, canonical, digest, seed_of
from shipworthy.facts.chat import Conversation, Message, Reply, ToolCall
from shipworthy.facts.evidence import (
    CaseResult,
    Comparison,
    Coverage,
    Evidence,
    Example,
    Measurement,
    PairedRows,
    Run,
    Subject,
)
from shipworthy.facts.imported import ACCEPTED, IMPORT_FORMATS, Counts, Origin
from shipworthy.facts.policy import SEVERITY_OF, Action, Clause, NeverEvent, OnNoData, Policy, Severity, Slo, Target
from shipworthy.facts.posture import (
    NORMAL,
    Approval,
    Decider,
    Named,
    Order,
    Posture,
    Scope,
    Source,
    join,
    resolve,
    tightens,
)
from shipworthy.facts.records import Budget, Case, Entry, Granted, Incident, Oracle, Override, Person
from shipworthy.facts.segments import (
    MISSING,
    OTHER,
    RESERVED,
    UNSEEN,
    bin_name,
    bin_names,
    canonical_segment,
    contains,
    holds,
    parse_segment,
)
from shipworthy.facts.state import Acknowledged, Held, LiveThresholds, RolloutState, RuntimeState, hold
from shipworthy.facts.traffic import FIXED, SCORE_BINS, Event, LabelSummary, Receipt, WindowSummary
from shipworthy.facts.verdict import Block, Decision, Judgement, Outcome, Verdict

__all__ = [
    "ACCEPTED", "FIXED", "IMPORT_FORMATS", "MISSING", "NORMAL", "OTHER", "RESERVED", "SCORE_BINS", "SEVERITY_OF",
    "UNSEEN", "AbuseCount", "AbuseKind",
    "Acknowledged", "Action", "Approval", "Block", "Budget", "Case", "CaseResult", "Clause", "Comparison",
    "Conversation", "Counts", "Coverage", "Decider", "Decision", "Digest", "Entry", "Event", "Evidence", "Example",
    "Fact", "Granted", "Held", "Incident", "Judgement", "LabelSummary", "LiveThresholds", "Measurement", "Message",
    "Named", "NeverEvent", "OnNoData", "Oracle", "Order", "Origin", "Outcome", "Override", "PairedRows", "Person",
    "Policy", "Posture", "Receipt", "Reply", "RolloutState", "Run", "RuntimeState", "Scope", "Severity", "Slo",
    "Source", "Subject", "Target", "ToolCall", "Verdict", "WindowSummary", "bin_name", "bin_names", "canonical",
    "canonical_segment", "contains", "digest", "hold", "holds", "join", "parse_segment", "resolve", "seed_of",
    "tightens",
]  # fmt: skip
