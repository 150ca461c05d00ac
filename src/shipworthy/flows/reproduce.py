"""Build again from the recorded materials and compare: the same bits, the same behaviour, or neither.

In: the repository with its built artefact and provenance. Out: `Rebuilt`, written beside the evidence for the gate. The
second build uses the environment that the first one recorded, in another clean folder. Behaviour is visibly weaker than
bits: the same decision, route and out-of-distribution flag on every calibration and test row, scores within 1e-9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from shipworthy.artifact.difference import differences
from shipworthy.artifact.files.folder import files_of, pieces
from shipworthy.artifact.provenance import BUILD, Making, changed_materials
from shipworthy.artifact.rebuilt import SCORE_TOLERANCE, Rebuilt, materials_digest
from shipworthy.artifact.signature import SIGNATURE_FILE
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide
from shipworthy.evaluate.answered import Answered, answer
from shipworthy.flows.clean_build import made_clean
from shipworthy.flows.evaluate import bench_of
from shipworthy.flows.model import Row, all_datasets, open_model
from shipworthy.flows.pinned import distributions
from shipworthy.flows.provenance import materials_now, read_made, write_rebuilt
from shipworthy.runtime.subject import artefact_digest
from shipworthy.runtime.workspace import Workspace

_COMPARED = ("calibration", "test")


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Both models on the same rows: how many, whether all decisions agree, and the largest difference of scores."""

    rows: int
    same: bool
    worst: float | None


def reproduce(workspace: Workspace, say: Callable[[str], None]) -> tuple[Rebuilt, Path]:
    """Rebuild and compare; return the record and its file.

    Raises CannotDecide when nothing says how the artefact was made, when it was not by a build, or when a file that
    went into it is not the same now.
    """
    contract = workspace.contract()
    folder = workspace.root / contract.manifest.artefacts
    artefact = artefact_digest(folder)
    making = _rebuildable(workspace, contract, artefact)
    with made_clean(workspace.root, contract, making.environment, say) as made:
        found = differences(_contents(folder), _contents(made.folder))
        compared = _behave(workspace.root, made.room, contract) if found else None
        again = artefact_digest(made.folder)
    rebuilt = Rebuilt(
        artefact=artefact,
        again=again,
        materials=materials_digest(making.materials),
        outcome="bits" if compared is None else "behaviour" if _behaves(compared) else "differs",
        differences=found,
        rows=compared.rows if compared else 0,
        worst=compared.worst if compared else None,
        environment=_otherwise(making.distributions, distributions()) if found else (),
    )
    return rebuilt, write_rebuilt(workspace, rebuilt)


def _rebuildable(workspace: Workspace, contract: Contract, artefact: str) -> Making:
    made = read_made(workspace, artefact)
    if made is None:
        builds = bool(contract.manifest.build)
        fix = "run `shipworthy build`" if builds else "only a build is repeated: give the manifest a `build:` command"
        raise CannotDecide("nothing says how this artefact was made", str(workspace.root), fix)
    if made.making.build_type != BUILD:
        what = "it was trained in place, and a training run is not repeated here"
        raise CannotDecide(what, str(workspace.root), "give the manifest a `build:` command")
    changed = changed_materials(made.making.materials, materials_now(contract))
    if changed:
        what = f"built from other files: {', '.join(changed)}"
        raise CannotDecide(what, str(workspace.root), "restore them, or run `shipworthy build`")
    return made.making


def _contents(folder: Path) -> dict[str, bytes]:
    return {name: b"".join(pieces(folder / name)) for name in files_of(folder) if name != SIGNATURE_FILE}


def _behaves(compared: Compared) -> bool:
    """No row compared, a score that is missing on one side, or one decision that differs: not the same behaviour."""
    return compared.rows > 0 and compared.same and compared.worst is not None and compared.worst <= SCORE_TOLERANCE


def _behave(first: Path, second: Path, contract: Contract) -> Compared:
    """Both models on the rows of the repository: what lies in the clean folder may have been written by the build."""
    datasets = all_datasets(first, contract.manifest)
    rows = [row for name in _COMPARED for row in datasets.get(name, ())]
    return compare_answers(_answers(first, contract, rows), _answers(second, contract, rows))


def compare_answers(first: tuple[Answered, ...], second: tuple[Answered, ...]) -> Compared:
    """Compare two models row by row. `worst` is None when one of them has a score where the other has none."""
    pairs = list(zip(first, second, strict=True))
    same = all((a.decision, a.route, _flag(a)) == (b.decision, b.route, _flag(b)) for a, b in pairs)
    if any((a.score is None) is not (b.score is None) for a, b in pairs):
        return Compared(rows=len(pairs), same=False, worst=None)
    apart = [abs(a.score - b.score) for a, b in pairs if a.score is not None and b.score is not None]
    return Compared(rows=len(pairs), same=same, worst=max(apart, default=None))


def _flag(one: Answered) -> bool | None:
    return None if one.ood is None else one.ood.flag


def _answers(root: Path, contract: Contract, rows: Sequence[Row]) -> tuple[Answered, ...]:
    with open_model(root, contract.manifest) as model:
        return answer(bench_of(root, contract, model, ()), rows, with_ood=True)


def _otherwise(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """What is installed otherwise than when the artefact was built."""
    names = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    return tuple(f"{name} {then.get(name, 'absent')} → {now.get(name, 'absent')}" for name in names)
