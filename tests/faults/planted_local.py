"""Faults of localisation: a rest nobody looks at, hits counted twice, a bad part that stays free."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

FAULTS: tuple[Fault, ...] = (
    *_in(
        "observe/localise.py",
        "tests/observe/test_localise.py",
        (
            "nothing is corrected for many parts",
            "adjusted = holm([p_value(asked, parts[spot]) for spot in able])",
            "adjusted = [p_value(asked, parts[spot]) for spot in able]",
        ),
        (
            "a thin rest is left alone",
            "if rest.n < NARROW_OTHERS or shown_bad(asked, rest):",
            "if rest.n < 1 or shown_bad(asked, rest):",
        ),
        (
            "a bad rest is left alone",
            "if rest.n < NARROW_OTHERS or shown_bad(asked, rest):",
            "if rest.n < NARROW_OTHERS:",
        ),
        (
            "any share of the excess explains",
            'if grade == "explains" and excess < EXPLAINS * (excess + beside):',
            "if False:",
        ),
        ("every grade is proven", 'grade = "proven" if shown_healthy(asked, rest) else "explains"', 'grade = "proven"'),
        (
            "what is no worse than the rest explains",
            "telling = [spot for spot in names if gains[spot] > 0.0]",
            "telling = list(names)",
        ),
        (
            "values cost nothing to name",
            "_gain(whole, tally) - _named(spot, within) * math.log(tried)",
            "_gain(whole, tally)",
        ),
        ("one bad value stands for all", "**_sets(bad)}", "}"),
        ("any number of values is a part", "if 1 < len(found) <= MOST_VALUES", "if 1 < len(found)"),
        (
            "any tenant may be named",
            "return found if spot.tenant == within.tenant or _explains(asked, spot, whole, parts) else None",
            "return found",
        ),
        (
            "a barred tenant gives way to the next",
            "return found if spot.tenant == within.tenant or _explains(asked, spot, whole, parts) else None",
            "if spot.tenant == within.tenant or _explains(asked, spot, whole, parts):\n                return found",
        ),
        ("few hits name a tenant", "return total >= NARROW_HITS and", "return"),
        ("nobody else need have sent", "and max(others, default=0) >= NARROW_OTHERS", ""),
        (
            "upwards is downwards",
            'return (hits, asked.target) if asked.op == "<=" else (n - hits, 1.0 - asked.target)',
            "return (hits, asked.target)",
        ),
        ("tiny parts are tried", "if parts[spot].n and _best_p(asked, parts[spot].n) <= least]", "if parts[spot].n]"),
        (
            "the second step stands whatever is left",
            "return _located(asked, whole, Spot(second.tenant, second.segment), Tally(second.hits, second.n)) or first",
            "return second",
        ),
        (
            "the point is judged by its bound",
            "facing = tally.hits / tally.n if asked.point else _facing(asked, tally)",
            "facing = _facing(asked, tally)",
        ),
    ),
    *_in(
        "observe/places.py",
        "tests/observe/test_places.py",
        (
            "what two parts share is taken twice",
            "return tuple(mine - sum(its) for mine, *its in zip(total, *gone, strict=True))",
            "return total",
        ),
        ("an unknown share is nothing", "if None in common or None in known or any(", "if None in known or any("),
        (
            "shares of shares are forgotten",
            " or any(shared(a, b) is not NOWHERE for a, b in combinations(inner, 2)):",
            ":",
        ),
        (
            "time does not matter",
            'return Part(b.tenant if a.tenant == "*" else a.tenant, segment, min(a.until, b.until))',
            'return Part(b.tenant if a.tenant == "*" else a.tenant, segment, a.until)',
        ),
        ("tenants are all alike", 'if "*" not in (a.tenant, b.tenant) and a.tenant != b.tenant:', "if False:"),
        ("the overflow is a place", "return part.tenant == OTHER or any(", "return any("),
    ),
    *_in(
        "observe/tallies.py",
        "tests/observe/test_tallies.py",
        ("probes are requests", "one.arm not in NOT_ANSWERED]", "True]"),
        (
            "held shadows are labels",
            "left_out = (HELD,) if shadow else (HELD, SHADOW)",
            "left_out = () if shadow else (HELD, SHADOW)",
        ),
        ("people's answers are the machine's", "sum(one.machine for one in mine)", "sum(sum(one.n) for one in mine)"),
        ("the half is right", "sum(one.positives[:_HALF]) + sum(one.n[_HALF:])", "sum(one.n[_HALF:])"),
    ),
    *_in(
        "runtime/localised.py",
        "tests/runtime/test_localised.py",
        ("groups of people are degraded", "- protected", ""),
        (
            "any order answers",
            "for one in held if tightens(asked, resolve(one.posture, *fallbacks))",
            "for one in held",
        ),
        ("orders of other versions answer", 'and scope.version in ("*", self._version)', ""),
        (
            "an acknowledgement is for ever",
            "return parts_of(scope.tenant, scope.segment, minute_of(moment(up_to)) + 1)",
            "return parts_of(scope.tenant, scope.segment)",
        ),
        ("acknowledgements are forgotten", "for scope, up_to in (*scopes, *known)", "for scope, up_to in scopes"),
        (
            "the whole is left out of itself",
            "[one for one in known if not holds_all(one, whole)]",
            "known",
        ),
        ("orders are looked past", "or len(answered) < len(known):", "or False:"),
        ("a kill is narrowed", "and slo.action_on_breach is not Action.KILL_SWITCH", ""),
        ("the overflow is ordered", "or is_other(one) or", "or"),
        (
            "an order that answers is asked for again",
            "if self.rest.outcome is not Outcome.BREACHED:\n            return None",
            "if False:\n            return None",
        ),
    ),
)
