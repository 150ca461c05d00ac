from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.problems import Problem
from shipworthy.contract.stakes import ALONE, UNPROVEN, is_dev_key
from tests.contract.repository import MISSION_SLOS, PACK, files, pem_key, ssh_key, stamp, standard, whole, write

COMMITTEE = "roles: [reviewer, committee]"


def high() -> dict[str, str | bytes]:
    return files("high") | {"shipworthy.yaml": standard("high").replace("roles: [reviewer]", COMMITTEE)}


def problems_of(root: Path, contents: dict[str, str | bytes]) -> tuple[Problem, ...]:
    return tuple(one for one in read_contract(write(root, contents))[1] if one.exit_code == 3)


def test_at_low_stakes_what_is_absent_is_not_claimed(tmp_path: Path) -> None:
    contract = whole(tmp_path, "low")
    assert [told.partition(": ")[0] for told in contract.not_claimed] == [
        "pack case for robustness",
        "pack case for monitoring",
        "pack case for alignment",
        "pack case for systemic_safety",
        "data record",
        "never event",
        "fallback",
        "threat model",
        "committee",
        *UNPROVEN,
    ]


def test_each_thing_not_claimed_says_in_one_line_how_to_add_it(tmp_path: Path) -> None:
    contract = whole(tmp_path, "low")
    for told in contract.not_claimed:
        name, colon, how = told.partition(": ")
        assert name
        assert colon
        assert len(how.split()) > 2, told
        assert "\n" not in told
    assert "never event: add `never_events:` to safety-slos.yaml" in contract.not_claimed
    assert (
        "drill within 30 days: practise the kill switch while it serves: `shipworthy drill kill --as …`"
        in contract.not_claimed
    )


def test_the_least_warning_at_low_stakes(tmp_path: Path) -> None:
    contract = whole(tmp_path, "low")
    assert contract.warnings == ("no threat model: write threat-model.yaml, before the next training",)


def test_at_standard_stakes_the_threat_model_is_still_a_warning(tmp_path: Path) -> None:
    write(tmp_path, {name: content for name, content in files("standard").items() if name != "threat-model.yaml"})
    stamp(tmp_path)
    contract, problems = read_contract(tmp_path)
    assert not problems
    assert contract is not None
    assert [told.partition(": ")[0] for told in contract.not_claimed] == ["threat model", "committee", *UNPROVEN]
    assert contract.warnings[0] == "no threat model: write threat-model.yaml, before the next training"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("safety-slos.yaml", MISSION_SLOS, "standard stakes require a never event"),
        ("shipworthy.yaml", standard().replace("fallback: human_review\n", ""), "standard stakes require a fallback"),
        (
            "robustness-pack.yaml",
            PACK.replace("clause: alignment", "clause: monitoring"),
            "standard stakes require a pack case for alignment",
        ),
        (
            "robustness-pack.yaml",
            PACK.replace("clause: alignment", "clause: alignment\n    trial: true"),
            "standard stakes require a pack case for alignment",
        ),
    ],
)
def test_standard_stakes_require_more(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    assert told in [problem.what for problem in problems_of(tmp_path, files("standard") | {name: content})]


def test_standard_stakes_require_a_data_record(tmp_path: Path) -> None:
    text = standard()
    text = text[: text.index("data_sources:")] + text[text.index("fallback:") :]
    told = [problem.what for problem in problems_of(tmp_path, files("standard") | {"shipworthy.yaml": text})]
    assert "standard stakes require a data record" in told


def test_without_a_pack_every_clause_lacks_its_case(tmp_path: Path) -> None:
    contents = {name: content for name, content in files("standard").items() if name != "robustness-pack.yaml"}
    told = [problem.what for problem in problems_of(tmp_path, contents) if "pack case" in problem.what]
    assert len(told) == 4


def test_high_stakes_are_met_with_everything_there(tmp_path: Path) -> None:
    assert problems_of(tmp_path, high()) == ()


def test_high_stakes_require_a_threat_model_and_a_committee(tmp_path: Path) -> None:
    contents = {name: content for name, content in files("high").items() if name != "threat-model.yaml"}
    assert {problem.what for problem in problems_of(tmp_path, contents)} == {
        "high stakes require a committee",
        "high stakes require a threat model",
    }


def test_high_stakes_refuse_a_development_key_and_others_warn(tmp_path: Path) -> None:
    key: dict[str, str | bytes] = {"keys/ana.pub": ssh_key(3, "ana dev")}
    (problem,) = problems_of(tmp_path / "high", high() | key)
    assert (problem.file, problem.what) == ("keys/ana.pub", "high stakes refuse a development key")
    write(tmp_path / "standard", files("standard") | key)
    stamp(tmp_path / "standard")
    contract, problems = read_contract(tmp_path / "standard")
    assert not problems
    assert contract is not None
    assert contract.warnings[0].startswith("keys/ana.pub is a development key: put one made for real use in its place")
    assert [warning for warning in contract.warnings if "development" not in warning] == [
        f"no {name}: {fix}" for name, fix in UNPROVEN.items()
    ]


def test_a_model_that_could_not_be_restored_is_warned_of(tmp_path: Path) -> None:
    contract = whole(tmp_path, manifest=standard().replace("roles: [reviewer]", "roles: [ml]"))
    assert any("could not be restored" in warning for warning in contract.warnings)


def test_a_contract_of_one_person_is_warned_of_before_it_locks_itself(tmp_path: Path) -> None:
    text = standard().replace("  - {id: ben, name: Ben, roles: [reviewer], key: keys/ben.pub}\n", "")
    assert ALONE in whole(tmp_path / "one", manifest=text).warnings
    text = standard().replace("roles: [operator, ml]", "roles: [operator]")
    (told,) = (one for one in whole(tmp_path / "two", manifest=text).warnings if "two people" in one)
    assert told.startswith("no two people with the roles reviewer and ml: after the first ship nobody can add people")


def test_one_person_with_both_roles_is_not_two(tmp_path: Path) -> None:
    text = standard().replace("roles: [operator, ml]", "roles: [sre]")
    text = text.replace("roles: [reviewer]", "roles: [reviewer, ml, operator]")
    assert sum("no two people" in one for one in whole(tmp_path, manifest=text).warnings) == 2


@pytest.mark.parametrize(
    ("name", "text", "dev"),
    [
        ("keys/a.pub", ssh_key(1, "a dev"), True),
        ("keys/a.pub", ssh_key(1, "dev"), True),
        ("keys/a.pub", "dev\n" + pem_key(1), True),
        ("keys/a-dev.pub", pem_key(1), True),
        ("keys/dev_a.pub", pem_key(1), True),
        ("dev/a.pub", pem_key(1), False),
        ("keys/a.pub", ssh_key(1, "devon@host"), False),
        ("keys/a.pub", ssh_key(1), False),
        ("keys/a.pub", "ssh-ed25519 AAAAdev+dev/dev= x", False),
    ],
)
def test_a_development_key_says_so(name: str, text: str, dev: bool) -> None:
    assert is_dev_key(name, text) is dev


@pytest.mark.parametrize("key", ["version", "adapter", "issuers"])
def test_what_has_a_default_must_be_written_above_low_stakes(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in standard().split("\n") if not line.startswith(f"{key}:"))
    told = [problem.what for problem in problems_of(tmp_path, files("standard") | {"shipworthy.yaml": text})]
    assert told == [f"standard stakes require `{key}:` in writing"]


SIX_LINES = """model: demo
stakes: low
owner: ana
features: [{name: age, type: int, min: 0, max: 110, protected: true}]
label: {column: label}
datasets: {train: {path: data/rows.csv}, calibration: {path: data/rows.csv}, test: {path: data/rows.csv}}
"""


def test_six_lines_are_enough_at_low_stakes(tmp_path: Path) -> None:
    contract = whole(tmp_path, "low", manifest=SIX_LINES)
    manifest = contract.manifest
    assert (manifest.version, manifest.adapter.kind, manifest.adapter.file) == ("1", "sklearn", "model.skops")
    assert (manifest.issuers.signing, manifest.issuers.verdict) == ("keys/signing.pub", "keys/verdict.pub")


@pytest.mark.parametrize("stakes", ["standard", "high"])
def test_six_lines_are_not_enough_above_low_stakes(tmp_path: Path, stakes: str) -> None:
    told = problems_of(tmp_path, files("low") | {"shipworthy.yaml": SIX_LINES.replace("low", stakes)})
    assert {f"{stakes} stakes require `{key}:` in writing" for key in ("version", "adapter", "issuers")} <= {
        problem.what for problem in told
    }
