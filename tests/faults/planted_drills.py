"""Faults of drills: a pass by emptiness, a door for other orders, a tenant that is counted, a gate that asks for nothing."""
# ruff: noqa: E501 - one fault a line, as long as the code it changes

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "respond/drills.py",
        "tests/respond/test_drills.py",
        ("an empty drill passes", "if not trips:\n        yield", "if False:\n        yield"),
        ("a rollback of nothing passes", 'started.kind == "rollback" and arm != "candidate"', "False"),
        ("a drill may reach a real tenant", "if trip.scope.tenant != DRILL_TENANT:", "if False:"),
        ("an order of a drill may reach a real tenant", "if scope.tenant != DRILL_TENANT:", "if False:"),
        ("no replica is enough", "if not trip.replicas:", "if False:"),
        (
            "a silent replica is forgotten",
            "if silent := [one.name for one in trip.replicas if one.took_ms is None]:",
            "if silent := []:",
        ),
        ("what stopped nothing passes", "if not trip.before:", "if False:"),
        ("what never was safe passes", "if not trip.after:", "if False:"),
        (
            "a late unsafe answer is forgiven",
            "if not 0.0 <= trip.last_ms <= started.target_ms:",
            "if trip.last_ms > 10 * started.target_ms:",
        ),
        ("errors are forgiven", "if trip.errors:", "if False:"),
        ("a slow switch passes", "if p99 is not None and not 0.0 <= p99 <= started.target_ms:", "if False:"),
        ("trouble is forgotten", "[*([trouble] if trouble else []), *_reasons", "[*_reasons"),
        ("a percentile forgets the silent", "if not known or len(known) < len(times) or", "if not known or"),
        (
            "a percentile is one too low",
            "max(0, math.ceil(share * len(known)) - 1)",
            "max(0, math.ceil(share * len(known)) - 2)",
        ),
        (
            "a failed drill counts",
            "passed = (one for one in reversed(self.done) if one.verdict == PASSED)",
            "passed = iter(reversed(self.done))",
        ),
        (
            "the first drill counts, not the last",
            "next((one for one in reversed(self.done) if (one.kind",
            "next((one for one in self.done if (one.kind",
        ),
        ("a drill of tomorrow counts", "return age if age >= 0 else None", "return age"),
        (
            "never drilled is never due",
            "return age is None or age > every_s",
            "return age is not None and age > every_s",
        ),
        ("an ended drill stays open", "self.open.pop(drill.id, None)", "pass"),
        ("a drill under way is overdue", "if moment(one.until) < now)", "if True)"),
        ("any entry is a drill", "if entry.kind != DRILLED:\n        return None\n    ", ""),
    ),
    *_in(
        "facts/drill.py",
        "tests/respond/test_drills.py",
        ("anybody's order is a drill's", "held.order.by == DRILLER and ", ""),
        ("a drill's order may hold for all", " and held.order.scope.tenant == DRILL_TENANT", ""),
        ("a person may be the driller", 'DRILLER: Final = "machine/drill"', 'DRILLER: Final = "drill"'),
        ("the synthetic tenant is everybody", 'DRILL_TENANT: Final = "__drill__"', 'DRILL_TENANT: Final = "*"'),
    ),
    *_in(
        "respond/postures.py",
        "tests/respond/test_drills.py",
        ("a drill ends any order", "if not of_drill(held):\n            raise", "if False:\n            raise"),
        (
            "every order expires",
            "if of_drill(held) and _past(held.order.confirm_by, now)",
            "if _past(held.order.confirm_by, now)",
        ),
        ("no order of a drill expires", "if of_drill(held) and _past(held.order.confirm_by, now)", "if False"),
        ("ending does not grow the epoch", "if held not in ended), epoch=state.epoch + 1)", "if held not in ended))"),
    ),
    *_in(
        "ledger/fold.py",
        "tests/respond/test_drills.py",
        (
            "an entry ends any order",
            "if one.order.id not in gone or not of_drill(one)))",
            "if one.order.id not in gone))",
        ),
        ("an entry ends every drill", "if one.order.id not in gone or not of_drill(one)))", "if not of_drill(one)))"),
    ),
    *_in(
        "contract/drills.py",
        "tests/contract/test_drills.py",
        ("a longer interval is no loosening", "if new.every_s > old.every_s:", "if False:"),
        ("a slower switch is no loosening", "if new.kill_within_ms > old.kill_within_ms:", "if False:"),
        ("drills by hand are no loosening", 'if old.run == "auto" and new.run != "auto":', "if False:"),
        ("no interval is an interval", "if drills.every_s <= 0:", "if False:"),
        ("a target of nothing is a target", "drills.kill_within_ms > 0 and ", ""),
        ("any hour is an hour", "if not _AT.fullmatch(drills.at):", "if False:"),
        (
            "no duration is for ever",
            "except ValueError:\n            return 0.0",
            'except ValueError:\n            return float("inf")',
        ),
    ),
    *_in(
        "flows/drilled.py",
        "tests/flows/test_drilled.py",
        ("a failed drill opens the gate", "if drill.verdict != PASSED:", "if False:"),
        ("a drill of any version opens the gate", "if drill.version not in versions:", "if False:"),
        ("a drill never ages", "if age > days * DAY_S else", "if False else"),
        ("a drill of no moment counts", "if age is None:\n        return f", "if False:\n        return f"),
        ("a drill of another model counts", "if (one.model, one.kind) == (model, KIND)]", "if one.kind == KIND]"),
        ("any drill is a kill drill", "if (one.model, one.kind) == (model, KIND)]", "if one.model == model]"),
        (
            "a longer interval of the contract counts",
            "min(MOST_DAYS, contract.manifest.drills.every_s / DAY_S)",
            "contract.manifest.drills.every_s / DAY_S",
        ),
        (
            "the contract's interval is not asked",
            "min(MOST_DAYS, contract.manifest.drills.every_s / DAY_S)",
            "MOST_DAYS",
        ),
        ("high stakes do not ask", 'return stakes == "high"', "return False"),
        ("low stakes ask", 'return stakes == "high"', "return True"),
        ("the grace never ends", ">= GRACE_DAYS * DAY_S for at in known)", ">= 9e9 for at in known)"),
        ("an unknown first ship excuses", "return True  # nobody knows since when", "return False"),
        ("the block is not shown", "if self.shown or not self.required:", "if True:"),
        ("a block stays once it is shown", "if self.shown or not self.required:", "if not self.required:"),
    ),
    *_in(
        "deploy/http/drills.py",
        "tests/deploy/test_drills.py",
        ("a token never ends", "if until.isdigit() and now_s < int(until) else None", "if until.isdigit() else None"),
        (
            "a wrong token is nobody's",
            "if drill is None:\n            raise",
            "if drill is None:\n            return callers(scope)\n            raise",
        ),
        ("a drill may be any tenant", 'Caller(f"drill/{drill}", DRILL_TENANT)', 'Caller(f"drill/{drill}", "*")'),
        (
            "anybody may be the synthetic tenant",
            "if tenant == DRILL_TENANT and (caller is None or caller.tenant != DRILL_TENANT):",
            "if False:",
        ),
        (
            "a key for all opens the synthetic tenant",
            "caller.tenant != DRILL_TENANT):",
            'caller.tenant not in (DRILL_TENANT, "*")):',
        ),
        (
            "no key opens the synthetic tenant",
            "(caller is None or caller.tenant != DRILL_TENANT)",
            "(caller is not None and caller.tenant != DRILL_TENANT)",
        ),
        ("anybody's mark is obeyed", "row.get(MARK) if tenant == DRILL_TENANT else None", "row.get(MARK)"),
        ("every mark forces a decision", "or mark.fault != NEVER_EVENT:", "or False:"),
    ),
)
