"""A proposal holds only what a declaration can vouch for; what is hostile stays hostile whatever is learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.artifact.files.scanner import learn_path, scan_path
from shipworthy.artifact.scan import Declared, as_yaml, canary, may_declare, proposed, scan_bytes
from shipworthy.artifact.scan.standard import FORBIDDEN
from shipworthy.errors import CannotDecide
from tests.artifact.fakes import call, name, text, zipped
from tests.cli.calls import call as run
from tests.cli.calls import verb
from tests.flows.tiny import Tiny

OURS = b"\x80\x04" + name("credit.model", "Scorecard") + b")\x81}" + text("part")
TWO = OURS + name("credit.parts", "Bin") + b")\x81sb."
SKOPS = {"__class__": "Scorecard", "__module__": "credit.model", "__loader__": "ObjectNode"}


def test_the_classes_of_a_benign_artefact_are_proposed_and_make_it_clean(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(TWO)
    (tmp_path / "m.skops").write_bytes(zipped({"schema.json": json.dumps(SKOPS).encode()}))
    assert not scan_path(tmp_path).clean
    classes, report = learn_path(tmp_path, Declared())
    assert classes == ("credit.model.Scorecard", "credit.parts.Bin")
    assert report.clean
    assert scan_path(tmp_path, Declared(classes=frozenset(classes))).clean


def test_what_is_declared_already_stays_in_the_proposal(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(TWO)
    before = Declared(classes=frozenset({"credit.model.Scorecard", "old.Model"}))
    assert learn_path(tmp_path, before)[0] == ("credit.model.Scorecard", "credit.parts.Bin", "old.Model")


@pytest.mark.parametrize("what", [one for one, _ in canary()])
def test_a_canary_is_never_learned(what: str, tmp_path: Path) -> None:
    (tmp_path / what).write_bytes(dict(canary())[what])
    classes, report = learn_path(tmp_path, Declared())
    assert classes == ()
    assert not report.clean


@pytest.mark.parametrize(
    "full",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "subprocess.Popen",
        "pickle.Unpickler",
        "joblib.Memory",
        "joblib.parallel.Parallel",
        "dill.Unpickler",
        "torch.FloatStorage",
        "_io.FileIO",
        "numpy.load",
        "numpy.memmap",
        "numpy.lib._datasource.DataSource",
        "numpy.lib._npyio_impl.NpzFile",
        "sklearn.utils._testing.Popen",
        "sklearn.datasets._base.Path",
        "credit.model.Popen",
        "credit.model.Path",
        "credit.tests.Model",
        "credit.model.Scorecard.load",
        "Scorecard",
        "",
        "credit..Model",
        "credit.mödel.Model",
        "credit.model.function",
    ],
)
def test_what_runs_loads_or_is_no_class_is_never_proposed_nor_let_through(full: str) -> None:
    assert not may_declare(full)
    module, _, attribute = full.rpartition(".")
    if full.isascii() and module:
        blob = call(module, attribute)
        assert proposed(scan_bytes("x", blob)) == frozenset()
        assert scan_bytes("x", blob, Declared(classes=frozenset({full}))) != ()


@given(st.sampled_from(sorted(FORBIDDEN)), st.lists(st.sampled_from(["a", "model", "B"]), max_size=2))
def test_nothing_of_a_forbidden_package_can_be_declared(top: str, rest: list[str]) -> None:
    assert not may_declare(".".join([top, *rest, "Model"]))


def test_a_hostile_call_beside_an_unknown_class_stays_a_finding(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(OURS + call("os", "system", text("true") + b"\x85")[2:-1] + b"sb.")
    classes, report = learn_path(tmp_path, Declared())
    assert classes == ("credit.model.Scorecard",)
    assert [one.name for one in report.findings] == ["os.system"]


def test_the_proposal_is_yaml_for_the_manifest() -> None:
    assert yaml.safe_load(as_yaml({"b.B", "a.A"})) == {"scan": {"classes": ["a.A", "b.B"]}}


def test_one_file_is_scanned_as_in_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(call("os", "system", text("true") + b"\x85"))
    (found,) = scan_path(path).findings
    assert found == scan_path(tmp_path).findings[0]
    with pytest.raises(CannotDecide):
        scan_path(tmp_path / "absent")


def test_the_verb_scans_any_path_without_a_contract(tmp_path: Path) -> None:
    path = tmp_path / "m.pkl"
    path.write_bytes(TWO)
    left = run("--root", str(tmp_path), "scan", str(path))
    assert left.code == 1
    assert "m.pkl at byte " in left.out
    assert "credit.model.Scorecard.__new__() would run" in left.out
    learned = run("scan", str(path), "--learn")
    assert learned.code == 0
    assert yaml.safe_load(learned.out)["scan"]["classes"] == ["credit.model.Scorecard", "credit.parts.Bin"]
    path.write_bytes(call("os", "system", text("true") + b"\x85"))
    learned = run("scan", str(path), "--learn")
    assert learned.code == 1
    assert learned.out == "# nothing to declare\n"
    assert "os.system('true') would run" in learned.err
    assert run("scan", str(tmp_path / "absent")).code == 4
    assert set(run("scan", str(tmp_path), "--learn", "--json").json()) == {"version", "classes", "findings", "files"}


def test_the_manifests_classes_are_let_through_and_a_forbidden_one_is_refused(prepared: Tiny) -> None:
    (prepared.root / "model/extra.pkl").write_bytes(TWO)
    assert verb(prepared, "scan").code == 1
    learned = verb(prepared, "scan", "--learn")
    assert learned.code == 0
    manifest = prepared.root / "shipworthy.yaml"
    kept = manifest.read_text()
    manifest.write_text(kept + learned.out)
    assert verb(prepared, "scan").code == 0
    manifest.write_text(kept + "scan:\n  classes:\n    - subprocess.Popen\n")
    left = verb(prepared, "scan")
    assert left.code == 3
    assert left.err.startswith("shipworthy.yaml: scan.classes: subprocess.Popen cannot be declared")
    for bad in ("- Scorecard", "- 'a b.C'", "- a.B\n    - a.B"):
        manifest.write_text(kept + f"scan:\n  classes:\n    {bad}\n")
        left = verb(prepared, "scan")
        assert left.code == 3
        assert "shipworthy.yaml:" in left.err
