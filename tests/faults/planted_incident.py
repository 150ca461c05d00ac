"""Faults of incidents: a path that calls nobody, a record that forgets, an end without proof."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "contract/on_call.py",
        "tests/contract/test_on_call.py",
        (
            "a severity has no commander of its own",
            "commander=self.commander if own.commander is None else own.commander",
            "commander=self.commander",
        ),
        ("an empty path of its own is none", "own.escalation is None", "not own.escalation"),
        ("any severity will do", "if severity not in Severity.__members__:", "if False:"),
        ("strangers are called", "if name not in names:", "if False:"),
        ("steps may come at once", "if length <= last:", "if length < last:"),
        ("an address needs no https", 'text.startswith("https://")', 'text.startswith("http")'),
    ),
    *_in(
        "contract/loosening_on_call.py",
        "tests/contract/test_on_call.py",
        ("a removed path is no row", 'yield "on_call: removed"', "pass"),
        ("a shorter path is no row", "if len(after) < len(before):", "if False:"),
        ("a slower step is no row", "if seconds(is_.after) > seconds(was.after):", "if False:"),
        ("only one severity is looked at", "for severity in Severity:", "for severity in [Severity.SEV2]:"),
    ),
    *_in(
        "respond/escalation.py",
        "tests/respond/test_escalation.py",
        ("a step is due when it is over", "at <= now)", "at < now)"),
        ("the path of no severity", "path = on_call.ladder(severity)", "path = on_call"),
        ("the first is on it for ever", "in reversed(tuple(path)) if one.due", "in tuple(path) if one.due"),
        ("who is next was called already", "if not one.due), None)", "if one.due), None)"),
        ("confirmed orders are called for", "if not one.confirmed_by)", ")"),
        ("a role goes before a person", "return exactly or ", "return "),
    ),
)
