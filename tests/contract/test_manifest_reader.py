from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.manifest_reader import inside, read_manifest
from tests.contract.repository import manifest, standard

ROLLOUT = "rollout: {stages: [{name: all, share: 100, tenants: ['*'], advance: operator}]}\n"
REVIEW = "review: {denied: 0.1, approved: 0.2, max_uncertainty: 0.3, buckets: [office]}\n"
THROTTLES = "throttles: {default: {rate_per_s: 5, burst: 9}, tenants: {a: {rate_per_s: 1, burst: 1}}}\n"
QUEUE = "review_queue: {capacity: 9, tenants: {a: 2}, lease: 5m, second_review: {share: 0.1, segments: [tenant=a]}}\n"
LAST = manifest().count("\n") + 1  # the line on which `more` begins


def test_a_manifest_is_read() -> None:
    read, _, problems = read_manifest(standard() + ROLLOUT + REVIEW + THROTTLES + QUEUE)
    assert not problems
    assert read is not None
    assert read.scope_limits[0].segment == "office=P9"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("model: demo", "model: ' '", 1, "model is empty"),
        ('version: "1"', "version: 1.10", 2, "expected text, found a number"),
        ("stakes: low", "stakes: none", 3, "'none' is not allowed"),
        ("{kind: sklearn}", "{kind: python}", 5, "needs an entry"),
        ("{kind: sklearn}", "{kind: python, entry: '../x:f'}", 5, "needs an entry"),
        ("name: office", "name: age", 9, "used twice"),
        ("name: office", "name: decision", 9, "not a feature name"),
        ("min: 0, max: 110", "min: 200, max: 110", 8, "min 200 is above max 110"),
        ("bins: [25, 75]", "bins: [75, 25]", 8, "bins must rise"),
        ("bins: [25, 75]", "accepted: [a]", 8, "is no category"),
        ("type: category,", "type: category, min: 1,", 9, "no range and no bins"),
        ("[P1, P2]", "[P1, P1]", 9, "accepted twice"),
        ("[P1, P2]", "[P1, __other__]", 9, "__other__ is a reserved word"),
        ("[P1, P2]", "[P1], cost: -1", 9, "cost must be"),
        ("code: [train.py]", "code: [../train.py]", 6, "not a plain path"),
        ("code: [train.py]", "code: [/etc/passwd]", 6, "not a plain path"),
        ("code: [train.py]", "code: [./train.py]", 6, "not a plain path"),
        ("keys/ana.pub", "../ana.pub", 13, "not a plain path"),
        ("id: ben", "id: ana", 14, "used twice"),
        ("roles: [operator, ml]", "roles: []", 13, "has no role"),
        ("split == 'test'", "split ==", 17, "not an expression"),
        ("label: {column: label}", "label: {column: label, matured_after: soon}", 10, "not a window"),
        ("label: {column: label}", "label: {column: label, matured_after: rolling}", 10, "not a duration"),
        ("model: demo", "model: demo\nmodel: two", 2, "written twice"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused_at_its_line(old: str, new: str, line: int, told: str) -> None:
    read, _, problems = read_manifest(manifest().replace(old, new, 1))
    assert read is None
    assert line in [problem.line for problem in problems if told in problem.what], [str(one) for one in problems]


def test_a_number_without_bins_is_no_segment_key() -> None:
    text = manifest().replace("key: office", "key: age").replace(", bins: [25, 75]", "")
    assert [problem.what for problem in read_manifest(text)[2]] == ["segment key 'age' is a number without bins"]


@pytest.mark.parametrize(
    ("pairs", "told"),
    [("[[office, office]]", "says nothing new"), ("[[office, age], [age, office]]", "says nothing new")],
)
def test_a_pair_is_of_two_keys_and_written_once(pairs: str, told: str) -> None:
    keys = f"segments: {{keys: [{{key: office}}, {{key: age}}], pairs: {pairs}}}"
    _, _, problems = read_manifest(manifest().replace("segments: {keys: [{key: office, public: true}]}", keys))
    assert [told in problem.what for problem in problems] == [True]


@pytest.mark.parametrize(("value", "sound"), [("25_to_75", True), ("ge_75", True), ("26", False), ("25-75", False)])
def test_a_limit_over_a_bin_that_no_row_can_be_in_is_refused(value: str, sound: bool) -> None:
    limit = f"scope_limits: [{{name: a, segment: age={value}, posture: safe_mode, decision: d}}]\n"
    _, _, problems = read_manifest(manifest(more=limit).replace("key: office", "key: age"))
    assert [problem.what for problem in problems] == (
        [] if sound else [f"scope_limits[0].segment: age is never {value!r}"]
    )


RELATIONS = "relations: [{name: grown_up, holds: 'age >= 18 or office == \"P1\"'}]\n"


def test_relations_between_features_are_read() -> None:
    read, _, problems = read_manifest(manifest() + RELATIONS)
    assert not problems
    assert read is not None
    assert [relation.name for relation in read.relations] == ["grown_up"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (RELATIONS.replace("age", "aeg"), "relation 'grown_up': unknown name 'aeg'"),
        (RELATIONS.replace("age", "label"), "unknown name 'label'"),
        (RELATIONS.replace(">= 18", ">="), "not an expression"),
        (RELATIONS.replace("age >= 18", "age + 18"), "must be a comparison"),
        (RELATIONS.replace("grown_up", "' '"), "a relation without a name"),
        (RELATIONS.replace("}]", "}, {name: grown_up, holds: age > 1}]"), "used twice"),
        (RELATIONS.replace("'age >= 18 or office == \"P1\"'", "'true'"), "relates nothing"),
        (ROLLOUT.replace("100", "0"), "share must lie in"),
        (ROLLOUT.replace("100", "101"), "share must lie in"),
        (ROLLOUT.replace("['*']", "[]"), "has no tenant"),
        (ROLLOUT.replace("operator", "pilot"), "nobody has the role 'pilot'"),
        (ROLLOUT.replace("tenants", "min_samples: 0, tenants"), "min_samples below 1"),
        ("rollout: {stages: []}\n", "no stage"),
        (ROLLOUT.replace("}]}", "}], compare: {errors: 0}}"), "errors must lie between 0 and 1"),
        (ROLLOUT.replace("}]}", "}], compare: {latency: 1.25}}"), "latency must lie between 0 and 1"),
        (ROLLOUT.replace("}]}", "}], compare: {disagreement: -0.1}}"), "disagreement must lie between 0 and 1"),
        (ROLLOUT.replace("}]}", "}], compare: {false_rollbacks: 1}}"), "false_rollbacks must lie between 0 and 1"),
        (ROLLOUT.replace("}]}", "}], shadow: {segments: [region=x]}}"), "unknown segment key 'region'"),
        (REVIEW.replace("0.1", "0"), "denied must lie between"),
        (REVIEW.replace("0.3", "1.3"), "max_uncertainty must lie"),
        (REVIEW.replace("office", "region"), "unknown feature 'region'"),
        (REVIEW.replace("buckets", "start_n: 0, buckets"), "start_n below 1"),
        (THROTTLES.replace("rate_per_s: 5", "rate_per_s: 0"), "rate_per_s must be above 0"),
        (THROTTLES.replace("burst: 1}", "burst: 0}"), "throttle tenants.a"),
        (QUEUE.replace("9", "0"), "capacity: a queue that holds nothing"),
        (QUEUE.replace("a: 2", "a: 0"), "a: a queue that holds nothing"),
        (QUEUE.replace("lease", "leases_per_person: 0, lease"), "leases_per_person: a queue"),
        (QUEUE.replace("lease: 5m", "lease: rolling"), "lease: not a length of time"),
        (QUEUE.replace("lease", "answer_within: 3, lease"), "answer_within"),
        (QUEUE.replace("0.1", "0"), "share must lie in"),
        (QUEUE.replace("0.1", "1.1"), "share must lie in"),
        (QUEUE.replace("[tenant=a]", "[]"), "no segment"),
        (QUEUE.replace("tenant=a", "region=x"), "unknown segment key 'region'"),
        (QUEUE.replace("lease", "overflow: accept, lease"), "'accept' is not allowed"),
        ("decisions: {deny: x, approve: x}\n", "three different words"),
        ("endpoints: []\n", "no endpoint"),
        ("endpoints: [{name: a}, {name: a}]\n", "used twice"),
        ("alarms: {false_pages_per_week: 0}\n", "must be above 0"),
        ("retention: {raw_input: forever}\n", "not a window"),
        ("segments: {pairs: [[office, region]]}\n", "written twice"),
        ("unknwon: 1\n", "unknown key unknwon"),
        ("fallback: none\n", "'none' is not allowed"),
    ],
)
def test_what_is_added_is_checked_as_well(more: str, told: str) -> None:
    read, _, problems = read_manifest(manifest(more=more))
    assert read is None
    assert [problem.line for problem in problems if told in problem.what] == [LAST], [str(one) for one in problems]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("sha256:", "md5:", "not a digest"),
        ("consent: nobody is in it", "consent: ''", "consent is empty"),
        ('"office=P9"', '"region=P9"', "unknown segment key 'region'"),
        ('"office=P9"', "{office: [P9], age: [1], unit: [2]}", "at most two terms"),
    ],
)
def test_the_data_record_and_the_limits_are_checked(old: str, new: str, told: str) -> None:
    _, _, problems = read_manifest(standard().replace(old, new, 1))
    assert any(told in problem.what for problem in problems), [str(one) for one in problems]


@given(st.text(max_size=60))
def test_a_path_inside_never_leaves(path: str) -> None:
    if inside(path):
        parts = path.split("/")
        assert ".." not in parts
        assert not path.startswith(("/", "~"))
        assert "\\" not in path


@given(st.text(max_size=120))
def test_arbitrary_text_gives_problems_and_never_raises(text: str) -> None:
    for source in (text, manifest(more=text)):
        read, _, problems = read_manifest(source)
        assert (read is None) is bool(problems)
