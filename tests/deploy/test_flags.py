"""Flags: permission is only ever said where the gateway itself would serve the candidate, to flagd as to OFREP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.deploy.flags import Asked, Rule, document, evaluate, names
from shipworthy.deploy.routing import Routes, arm
from shipworthy.facts import NORMAL, Decider, Posture, Source, join
from shipworthy.respond.scopes import inside

MODEL = "claims"
SOURCES, DECIDERS = list(Source), list(Decider)
POSTURES = st.sampled_from(
    [
        Posture(source=s, decider=d)
        for s in SOURCES
        for d in DECIDERS
        if s is not Source.NONE or d is not Decider.MACHINE
    ]
)
VALUES = st.sets(st.sampled_from(["P1", "P2", "42"]), min_size=1).map(frozenset)
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from(["*", "1", "2"]),
        st.sampled_from(["*", "acme", "birch"]),
        st.lists(st.tuples(st.sampled_from(["supplier", "site"]), VALUES), max_size=2).map(
            lambda one: tuple(dict(one).items())
        ),
        POSTURES,
    ),
    max_size=4,
)
TENANTS = st.sampled_from([("acme",), ("*",), ("birch", "cedar"), ()])
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "tenant": st.sampled_from(["acme", "birch", "cedar"]),
        "supplier": st.sampled_from(["P1", "P2", "P3", 42]),
        "site": st.sampled_from(["P1", "P3"]),
        "targetingKey": st.sampled_from(["u1", "u2"]),
    },
)


def routes(share_bp: int = 10_000, tenants: tuple[str, ...] = ("*",), candidate: str | None = "2") -> Routes:
    return Routes(baseline="1", candidate=candidate, share_bp=share_bp, tenants=tenants, salt="s")


def holding(rules: list[Rule], context: Mapping[str, Any], sure: bool) -> Any:
    """Return `posture(version)`: of the rules that hold, or when not `sure`, that may hold."""

    def posture(version: str) -> Posture:
        held = []
        for rule in rules:
            known = {key: str(value) for key, value in context.items()}
            tenant_fits = rule.tenant in ("*", known.get("tenant", None if sure else rule.tenant))
            terms = rule.terms if sure else tuple(one for one in rule.terms if one[0] in known)
            if rule.version in ("*", version) and tenant_fits and inside(terms, known.get("tenant", ""), known):
                held.append(rule.posture)
        return join(held)

    return posture


def told(given: Routes, rules: list[Rule], context: Mapping[str, Any], sure: bool = False) -> tuple[str, bool]:
    asked = Asked(context.get("tenant"), context.get("targetingKey"))
    route, allowed = evaluate(MODEL, given, asked, holding(rules, context, sure), {})
    assert isinstance(route.value, str)
    assert isinstance(allowed.value, bool)
    return route.value, allowed.value


@given(rules=RULES, tenants=TENANTS, share_bp=st.sampled_from([0, 1, 5_000, 10_000]), context=CONTEXTS)
def test_permission_is_never_wider_than_the_gateways_own(
    rules: list[Rule], tenants: tuple[str, ...], share_bp: int, context: dict[str, Any]
) -> None:
    """Whatever the caller left out may be anything: were it known, the gateway would serve the candidate as well."""
    given_routes = routes(share_bp, tenants)
    route, allowed = told(given_routes, rules, context)
    assert not allowed or route == "candidate"
    for tenant in [context["tenant"]] if "tenant" in context else ["acme", "birch", "cedar"]:
        for supplier in [context["supplier"]] if "supplier" in context else ["P1", "P3", 42]:
            whole = {"site": "P2", **context, "tenant": tenant, "supplier": supplier}
            if allowed:
                assert arm(given_routes, tenant, context.get("targetingKey", "any")) == "candidate"
                posture = holding(rules, {**whole, "site": context.get("site", "P1")}, sure=True)
                assert posture("2") == NORMAL


@given(rules=RULES, tenants=TENANTS, share_bp=st.sampled_from([0, 10_000]), context=CONTEXTS)
def test_flagd_says_the_same_as_we_do(
    rules: list[Rule], tenants: tuple[str, ...], share_bp: int, context: dict[str, Any]
) -> None:
    core = pytest.importorskip("openfeature.contrib.tools.flagd.core")
    from openfeature.evaluation_context import EvaluationContext  # type: ignore[import-not-found, unused-ignore]

    given_routes = routes(share_bp, tenants)
    flagd = core.FlagdCore()
    flagd.set_flags(json.dumps(document(MODEL, given_routes, rules, {"supplier", "site"}, "tenant", {"epoch": 1})))
    attributes = {key: value for key, value in context.items() if key != "targetingKey"}
    asked = EvaluationContext(context.get("targetingKey"), attributes)
    route, allowed = names(MODEL)
    said = (
        flagd.resolve_string_value(route, "code default", asked).value,
        flagd.resolve_boolean_value(allowed, False, asked).value,
    )
    assert said == told(given_routes, rules, context)


@pytest.mark.parametrize("key", ["supplier", "site"])
def test_a_rule_that_flagd_cannot_check_holds_for_all(key: str) -> None:
    rules = [Rule("*", "*", ((key, frozenset(["P1"])),), Posture(decider=Decider.PERSON))]
    text = json.dumps(document(MODEL, routes(), rules, {"supplier"}, "tenant", {}))
    held = document(MODEL, routes(), rules, {"supplier"}, "tenant", {})["flags"][names(MODEL)[1]]
    assert ("targeting" in held) == (key == "supplier")
    assert held["defaultVariant"] == "denied"
    assert ("P1" in text) == (key == "supplier")


def test_reserved_words_hold_for_all() -> None:
    rules = [Rule("*", "*", (("supplier", frozenset(["__unseen__"])),), Posture(decider=Decider.PERSON))]
    flags = document(MODEL, routes(), rules, {"supplier"}, "tenant", {})["flags"]
    assert "targeting" not in flags[names(MODEL)[1]]
    assert flags[names(MODEL)[0]]["defaultVariant"] == "human_review"


def test_a_share_goes_to_so_many_units_of_the_tenant_and_only_grows() -> None:
    small, large = routes(1_000, ("acme",)), routes(3_000, ("acme",))
    units = [{"tenant": "acme", "targetingKey": f"u{i}"} for i in range(4_000)]
    first = {one["targetingKey"] for one in units if told(small, [], one)[1]}
    second = {one["targetingKey"] for one in units if told(large, [], one)[1]}
    assert first < second
    assert 320 <= len(first) <= 480  # 400 expected, four standard deviations are 76
    assert not any(told(large, [], {**one, "tenant": "birch"})[1] for one in units)
    assert not told(large, [], {"tenant": "acme"})[1]


def test_flagd_draws_about_the_same_share() -> None:
    core = pytest.importorskip("openfeature.contrib.tools.flagd.core")
    from openfeature.evaluation_context import EvaluationContext  # type: ignore[import-not-found, unused-ignore]

    flagd = core.FlagdCore()
    flagd.set_flags(json.dumps(document(MODEL, routes(1_000, ("acme",)), [], set(), "tenant", {})))
    key = names(MODEL)[1]
    drawn = [
        flagd.resolve_boolean_value(key, False, EvaluationContext(f"u{i}", {"tenant": "acme"})).value
        for i in range(4_000)
    ]
    assert 320 <= sum(drawn) <= 480
    for context in (EvaluationContext("u1", {"tenant": "birch"}), EvaluationContext(None, {"tenant": "acme"})):
        assert flagd.resolve_boolean_value(key, True, context).value is False


@pytest.mark.parametrize(
    ("given_routes", "context", "reason"),
    [
        (routes(candidate=None), {}, "STATIC"),
        (routes(0), {}, "STATIC"),
        (routes(5_000), {"tenant": "acme", "targetingKey": "u"}, "SPLIT"),
        (routes(5_000), {"tenant": "acme"}, "UNKNOWN"),
        (routes(tenants=("acme",)), {}, "UNKNOWN"),
        (routes(tenants=("acme",)), {"tenant": "birch"}, "TARGETING_MATCH"),
        (routes(), {}, "TARGETING_MATCH"),
    ],
)
def test_the_reason_is_one_that_clients_know(given_routes: Routes, context: dict[str, Any], reason: str) -> None:
    asked = Asked(context.get("tenant"), context.get("targetingKey"))
    found = evaluate(MODEL, given_routes, asked, lambda version: NORMAL, {"epoch": 3})
    assert {one.reason for one in found} == {reason}
    assert all(one.metadata == {"epoch": 3} for one in found)


def test_an_order_on_the_baseline_alone_is_told_as_such() -> None:
    assert told(routes(candidate=None), [Rule("1", "*", (), Posture(decider=Decider.PERSON))], {})[0] == "human_review"
    assert told(routes(), [Rule("1", "*", (), Posture(decider=Decider.NOBODY))], {}) == ("candidate", True)
    moved = Rule("2", "*", (), Posture(source=Source.BASELINE))
    assert told(routes(), [moved], {}) == ("baseline", False)
    assert told(routes(), [moved, Rule("1", "*", (), Posture(decider=Decider.NOBODY))], {}) == ("off", False)
