"""`init` looks at a project, writes what a machine can know, overwrites nothing, and says the rest in single lines."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import msgspec
import pytest
import yaml

from shipworthy.contract.files.reader import read_contract, read_manifest
from shipworthy.contract.note import FALLBACK, MINORITY
from shipworthy.contract.schema_files import FOLDER, SCHEMAS
from shipworthy.contract.slos import read_slos
from shipworthy.contract.stakes import ALONE
from shipworthy.contract.starter import review_text
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.errors import UsageError
from shipworthy.expr import compile_expr
from shipworthy.flows.survey import Told
from shipworthy.models.encoding import Encoding
from tests.cli.calls import call
from tests.contract.test_schema import complaints
from tests.flows.project import TABLE, files_of, started, table, with_twins, write_project, write_trained


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "churn")


def test_the_manifest_says_what_was_seen(project: Path) -> None:
    started(project)
    manifest = read_manifest(project)
    assert (manifest.model, manifest.version, manifest.stakes, manifest.owner) == ("churn", "1", "low", "mina")
    assert [(one.name, one.type) for one in manifest.features] == [
        ("age", "int"),
        ("tenure_months", "int"),
        ("monthly_spend", "float"),
        ("tickets", "int"),
        ("annual_plan", "bool"),
    ]
    age = manifest.features[0]
    assert (age.min, age.max, age.protected, len(age.bins)) == (18, 84, True, 3)
    assert (manifest.artefacts, manifest.adapter.file) == ("model", "churn.skops")  # as train.py writes it
    assert manifest.build == ("python", "train.py")
    assert set(manifest.code) == {"train.py", "features.py", TABLE}
    assert manifest.lockfile == "requirements.txt"


def test_what_is_written_holds_no_fault_but_what_people_must_say(project: Path) -> None:
    started(project)
    problems = read_contract(project)[1]
    assert {problem.file for problem in problems} == {"MODEL_CARD.md", "deliberation-note.md"}
    assert all("template's words" in problem.what for problem in problems)
    assert len(problems) == len({(problem.file, problem.line) for problem in problems})


@pytest.mark.parametrize("name", ["shipworthy.yaml", "safety-slos.yaml", "robustness-pack.yaml"])
def test_each_yaml_file_names_its_schema_and_keeps_to_it(project: Path, name: str) -> None:
    started(project)
    text = (project / name).read_text()
    first = text.splitlines()[0]
    assert first == f"# yaml-language-server: $schema={FOLDER}/{SCHEMAS[name]}"
    assert (project / first.rpartition("=")[2]).is_file()
    assert complaints(name, read_yaml(text, name).value) == []


def test_test_rows_that_calibrate_are_rows_the_model_has_not_seen(project: Path) -> None:
    before = (project / TABLE).read_bytes()
    begun = started(project)
    assert (project / TABLE).read_bytes() == before
    lines = [line.split(",") for line in (project / "data/customers.split.csv").read_text().splitlines()[1:]]
    roles = {(split, role) for *_, split, role in lines}
    assert roles == {("train", "train"), ("test", "calibration"), ("test", "test")}
    assert sum(role == "test" for *_, role in lines) >= 300
    assert any("never train on it" in line for line in begun.todo)
    assert [line[:-1] for line in lines] == [line.split(",") for line in table().splitlines()[1:]]


def test_the_same_project_gives_the_same_files(tmp_path: Path) -> None:
    one, other = write_project(tmp_path / "a" / "churn"), write_project(tmp_path / "b" / "churn")
    started(one)
    started(other)
    same = {name: text for name, text in files_of(one).items() if not name.startswith(("keys/", ".shipworthy/state"))}
    assert same == {name: files_of(other)[name] for name in same}


def test_nothing_that_exists_is_overwritten(project: Path) -> None:
    started(project)
    for name in ("MODEL_CARD.md", "robustness-pack.yaml", review_text.PULL_REQUEST):
        (project / name).write_text("mine\n")
    (project / "safety-slos.yaml").unlink()
    before = files_of(project)
    begun = started(project)
    assert begun.written == ("safety-slos.yaml",)
    assert {"MODEL_CARD.md", "robustness-pack.yaml", review_text.PULL_REQUEST} <= set(begun.kept)
    assert {name: text for name, text in files_of(project).items() if name != "safety-slos.yaml"} == before
    assert begun.todo == ("shipworthy.yaml was here: nothing was looked for, the rest was made to fit it",)


def test_a_link_to_elsewhere_is_kept_and_never_written_through(project: Path, tmp_path: Path) -> None:
    (project / "MODEL_CARD.md").symlink_to(tmp_path / "elsewhere.md")
    assert "MODEL_CARD.md" in started(project).kept
    assert not (tmp_path / "elsewhere.md").exists()


def test_what_cannot_be_read_or_written_is_one_line(project: Path) -> None:
    (project / ".gitignore").write_bytes(b"\xff\n")
    with pytest.raises(UsageError, match=r"\.gitignore: cannot be read"):
        started(project)
    (project / ".gitignore").write_bytes(b"")
    (project / ".github").write_text("a file in the way\n")
    with pytest.raises(UsageError, match="cannot be written"):
        started(project)


def test_a_pull_request_template_in_other_letters_is_kept(project: Path) -> None:
    (project / ".github").mkdir()
    (project / ".github/PULL_REQUEST_TEMPLATE.md").write_text("mine\n")
    assert review_text.PULL_REQUEST in started(project).kept
    assert [path.name for path in (project / ".github").glob("*.md")] == ["PULL_REQUEST_TEMPLATE.md"]


def test_a_dry_run_says_the_same_and_writes_nothing(project: Path) -> None:
    before = files_of(project)
    told = started(project, dry_run=True)
    assert files_of(project) == before
    assert set(told.written) == set(started(project).written) - {
        "keys/signing.pub",
        "keys/verdict.pub",
        "keys/owner.pub",
    }


def test_private_keys_stay_in_the_state_directory_and_the_rest_is_known_to_git(project: Path) -> None:
    started(project)
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    told = subprocess.run(["git", "ls-files"], cwd=project, check=True, capture_output=True, text=True).stdout.split()
    assert {f"{FOLDER}/{name}" for name in SCHEMAS.values()} <= set(told)
    assert [name for name in told if name.startswith(".shipworthy/") and not name.startswith(FOLDER)] == []
    assert "keys/verdict.pub" in told
    assert b"PRIVATE" not in b"".join((project / name).read_bytes() for name in told)
    assert b"dev" in (project / "keys/verdict.pub").read_bytes()


def test_an_ignore_file_that_shuts_the_schemas_out_is_told() -> None:
    text, advice = review_text.ignored_text("a\n.shipworthy/")
    assert text == "a\n.shipworthy/\n.shipworthy/*\n!.shipworthy/schema/\n"
    assert "replace the line '.shipworthy/'" in advice
    assert review_text.ignored_text(review_text.ignored_text("x")[0]) == (
        "x\n.shipworthy/*\n!.shipworthy/schema/\n",
        "",
    )


def test_the_pull_request_asks_the_two_questions_of_the_note(project: Path) -> None:
    started(project)
    text = (project / review_text.PULL_REQUEST).read_text()
    assert MINORITY in text
    assert FALLBACK in text


def test_the_job_that_runs_the_model_sees_no_key_and_the_one_with_the_key_runs_no_model(project: Path) -> None:
    started(project)
    jobs = yaml.safe_load((project / review_text.WORKFLOW).read_text())["jobs"]
    ran = {name: " ".join(str(step) for step in job["steps"]) for name, job in jobs.items()}
    assert "secrets." not in ran["evaluate"]
    assert "secrets.SHIPWORTHY_SIGNING_KEY" in ran["gate"]
    assert jobs["gate"]["needs"] == "evaluate"
    commands = {
        name: [step["run"] for step in job["steps"] if "shipworthy " in step.get("run", "")]
        for name, job in jobs.items()
    }
    assert [line for line in commands["evaluate"] if line.startswith("shipworthy")] == [
        "shipworthy check",
        "shipworthy build",
        "shipworthy evaluate",
    ]
    assert not any(word in ran["gate"] for word in ("shipworthy build", "shipworthy evaluate", "[evaluate]"))


def test_a_model_that_names_its_inputs_is_believed(project: Path, tmp_path: Path) -> None:
    import numpy as np
    import skops.io
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(np.array([[0.0, 1.0], [1.0, 0.0]]), [0, 1])
    model.feature_names_in_ = np.array(["tickets", "age"], dtype=object)
    (project / "model").mkdir()
    skops.io.dump(model, project / "model" / "m.skops")
    started(project)
    manifest = read_manifest(project)
    assert [one.name for one in manifest.features] == ["tickets", "age"]
    assert manifest.adapter.file == "m.skops"


def test_a_model_that_takes_another_number_of_values_is_told(project: Path) -> None:
    import numpy as np
    import skops.io
    from sklearn.linear_model import LogisticRegression

    (project / "model").mkdir()
    fitted = LogisticRegression().fit(np.array([[0.0, 1.0], [1.0, 0.0]]), [0, 1])
    skops.io.dump(fitted, project / "model" / "m.skops")
    assert "the model takes 2 values, and 5 inputs were found" in started(project).todo


def test_tables_that_lie_side_by_side_are_the_datasets(project: Path) -> None:
    head, *lines = table(split=False).splitlines()
    (project / TABLE).unlink()
    for name, part in (("train", lines[:1000]), ("valid", lines[1000:1500]), ("test", lines[1500:])):
        raw = "\n".join([head, *part, ""]).encode()
        (project / f"data/{name}.csv.gz").write_bytes(gzip.compress(raw, mtime=0))
    started(project)
    assert {name: one.path for name, one in read_manifest(project).datasets.items()} == {
        "train": "data/train.csv.gz",
        "calibration": "data/valid.csv.gz",
        "test": "data/test.csv.gz",
    }


def test_without_a_calibration_table_a_part_of_the_test_table_calibrates(project: Path) -> None:
    head, *lines = table(split=False).splitlines()
    (project / TABLE).unlink()
    for name, part in (("train", lines[:1000]), ("test", lines[1000:])):
        (project / f"data/{name}.csv").write_text("\n".join([head, *part, ""]))
    started(project)
    datasets = read_manifest(project).datasets
    assert datasets["train"].path == "data/train.csv"
    assert datasets["test"].path == datasets["calibration"].path == "data/test.split.csv"


def test_rows_of_one_customer_are_never_divided(project: Path) -> None:
    with_twins(project)
    begun = started(project)
    assert read_manifest(project).unit == "customer_id"
    (told,) = (line for line in begun.todo if "more than one dataset" in line)
    assert told.endswith("divide the rows by customer_id")  # the project's own split tore customers apart


def test_a_split_of_our_own_keeps_customers_together(project: Path) -> None:
    (project / TABLE).write_text(table(split=False))
    with_twins(project)
    begun = started(project, Told(owner="mina", stakes="low", label="churned", split=True))
    lines = [line.split(",") for line in (project / "data/customers.split.csv").read_text().splitlines()[1:]]
    sides: dict[str, set[str]] = {}
    for customer, *_, role in lines:
        sides.setdefault(customer, set()).add(role)
    assert all(len(roles) == 1 for roles in sides.values())
    assert not any("more than one dataset" in line for line in begun.todo)


def test_categories_need_their_numbers_from_the_training(project: Path) -> None:
    text = (project / TABLE).read_text().replace(",remark,", ",plan,")
    text = "\n".join(line.replace("note ", "plan") if at else line for at, line in enumerate(text.splitlines()))
    lines = text.splitlines()
    rows = [line.split(",") for line in lines[1:]]
    for at, row in enumerate(rows):
        row[6] = ("basic", "pro", "007")[at % 3]
    (project / TABLE).write_text("\n".join([lines[0], *(",".join(row) for row in rows), ""]))
    begun = started(project)
    assert read_manifest(project).feature("plan") is not None
    (told,) = (line for line in begun.todo if "encoding.json" in line)
    assert "let train.py write model/encoding.json" in told
    assert msgspec.json.decode(told.partition("trained on: ")[2], type=dict[str, Encoding]).keys() == {"plan"}


def test_higher_stakes_list_what_they_require_with_a_fix_each(project: Path) -> None:
    begun = started(project, Told(owner="mina", stakes="standard", label="churned"))
    assert any("before `review:` says how many wrong answers are accepted" in line for line in begun.todo)
    problems = [one for one in read_contract(project)[1] if "stakes require" in one.what]
    assert [one.what for one in problems] == ["standard stakes require a data record"]
    assert all(one.fix for one in problems)


def test_which_outcome_is_the_good_one_is_asked_in_the_manifest_and_in_the_list(project: Path) -> None:
    begun = started(project)
    text = (project / "shipworthy.yaml").read_text()
    assert "\ndecisions: {deny: deny, approve: approve, review: review}\n" in text
    assert "# label 1 / high score leads to `approve`, 0 / low score to `deny`: flip the label" in text
    assert begun.todo[0].startswith("`churned` 1 / a high score leads to `approve`")


def test_the_hint_for_review_keeps_the_never_event_of_the_first_policy(project: Path) -> None:
    started(project)
    path = project / "shipworthy.yaml"
    path.write_text(path.read_text().replace("# review:", "review:"))
    review = read_manifest(project).review
    assert review is not None
    policy = read_slos((project / "safety-slos.yaml").read_text())[0]
    assert policy is not None
    (event,) = policy.never_events
    never = compile_expr(event.never)
    assert never({"decision": "deny", "uncertainty": review.max_uncertainty}) is False
    assert never({"decision": "deny", "uncertainty": 0.31}) is True


def test_one_person_is_told_what_one_person_cannot_do_later(project: Path) -> None:
    assert ALONE in started(project).todo
    assert "roles: [reviewer], key:" in (project / "shipworthy.yaml").read_text()


def test_a_finished_model_is_not_compared_with_a_script_that_is_not_there(tmp_path: Path) -> None:
    todo = started(write_trained(tmp_path / "churn")).todo
    (told,) = (line for line in todo if "compare them with" in line)
    assert "script" not in told


def test_the_verb_says_what_it_wrote_kept_and_left_to_do(project: Path) -> None:
    left = call("--root", str(project), "init", "--label", "churned", "--owner", "mina", "--json")
    assert left.code == 0, left.err
    told = left.json()
    assert set(told) == {"version", "written", "kept", "todo"}
    assert told["kept"] == []
    again = call("--root", str(project), "init", "--label", "churned")
    assert "kept   shipworthy.yaml" in again.out
    assert "wrote" not in again.out
