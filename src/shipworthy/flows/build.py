"""Build a release: run the author's build command in a clean folder, then add what the platform keeps of it.

In: the repository. Out: the artefact folder with the author's files, the reference profile of the inputs
(`profile.json`) and the thresholds with their proof (`release.json`), put in place whole, and its provenance beside the
evidence. Same inputs, same bytes. The command sees the files of the change that are not the bar it will be judged by,
no key, no variable of ours and, where the system allows, no network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shipworthy import __version__
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.provenance import BUILD, Making
from shipworthy.artifact.run.clean_room import put_in_place
from shipworthy.contract.contract import Contract
from shipworthy.contract.manifest import Review
from shipworthy.flows.clean_build import Made, made_clean
from shipworthy.flows.pinned import HASH_SEED, distributions, pins, platform_name
from shipworthy.flows.provenance import read_trained, write_provenance
from shipworthy.gate.origin import HOW_TO_TELL
from shipworthy.profile.thresholds import KNOWN, Thresholds
from shipworthy.runtime.subject import OURS, artefact_digest
from shipworthy.runtime.workspace import Workspace


def build(workspace: Workspace, say: Callable[[str], None]) -> dict[str, Any]:
    """Build the artefact folder. Returns its digest, the thresholds and whether the build had a network.

    `network` is `none`, `open`, or "" when nothing was run. Raises CannotDecide when the command fails; what stood
    there before then still stands.
    """
    contract = workspace.contract()
    target = workspace.root / contract.manifest.artefacts
    started = workspace.now()
    with made_clean(workspace.root, contract, pins(), say) as made:
        put_in_place(made.folder, target, workspace.root / ".shipworthy")
    for line in told_of(made.thresholds, contract.manifest.review):
        say(line)
    artefact = artefact_digest(target)
    making = _making(workspace, contract, made, started)
    if making is None:
        say(f"no build command and no attested training run: nothing tells how this artefact was made; {HOW_TO_TELL}")
    else:
        write_provenance(workspace, contract.manifest.model, artefact, making)
    return {"artefact": artefact, "thresholds": made.thresholds, "network": making.network if making else ""}


def told_of(thresholds: Thresholds, review: Review | None) -> list[str]:
    """Return in words what a machine may answer from now on, and where the calibration rows prove nothing."""
    if review is None:
        return ["no `review:`: every answer goes to a person"]
    words = thresholds.words
    lines = []
    for one in thresholds.buckets:
        rows = "the" if one.feature == KNOWN else f"{one.feature} unknown: the"
        for word, side, score, most in (
            (words.deny, "at or below", one.deny, review.denied),
            (words.approve, "at or above", one.approve, review.approved),
        ):
            proven = f"prove {word} {side} {score:.4g}" if score is not None else f"prove no threshold for {word}"
            lines.append(f"{rows} {one.n} calibration rows {proven}, with at most {most:.0%} wrong")
    return lines


def _making(workspace: Workspace, contract: Contract, made: Made, started: str) -> Making | None:
    """How it was made: by the build command just now, or by the training run whose products these are."""
    if made.ran is None:
        return _trained(workspace, contract)
    return Making(
        build_type=BUILD,
        command=contract.manifest.build,
        seed=int(pins()[HASH_SEED]),
        environment=pins(),
        network=made.ran.network,
        clean=True,
        platform=platform_name(),
        materials=made.materials,
        distributions=distributions(),
        version=__version__,
        started=started,
        finished=workspace.now(),
    )


def _trained(workspace: Workspace, contract: Contract) -> Making | None:
    """The training run that was attested here, when the artefact folder holds exactly its products."""
    trained = read_trained(workspace)
    if trained is None:
        return None
    folder = workspace.root / contract.manifest.artefacts
    there = {(name, f"sha256:{hexed}") for name, hexed in hash_folder(folder) if name not in OURS}
    return trained.making if there == set(trained.subjects) else None
