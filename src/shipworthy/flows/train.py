"""Attest a training run: run a command in the repository, and say what went in and what came out.

In: the repository and a command. Out: SLSA provenance of the files that stand in the artefact folder afterwards. The
command runs where it is, with the caller's environment (a training may need a graphics card, credentials, a week), so
the provenance claims neither a clean folder nor a closed network. A later `build` without a command of its own takes
the provenance over when the folder still holds exactly these files.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from shipworthy import __version__
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.files.keys import CHECKPOINT
from shipworthy.artifact.provenance import OPEN, TRAIN, Making, provenance
from shipworthy.contract.contract import Contract
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import digest
from shipworthy.flows.pinned import HASH_SEED, distributions, pins, platform_name
from shipworthy.flows.provenance import materials_now, write_trained
from shipworthy.runtime.subject import OURS
from shipworthy.runtime.workspace import Workspace

_STDERR = 2


def train(workspace: Workspace, command: Sequence[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Run and attest. Returns products, those of them that are new or changed, and the statement's path.

    Raises CannotDecide when the command fails, changes what went into it, or leaves nothing in the artefact folder:
    then nothing is attested.
    """
    if not command:
        raise UsageError("no command", "train", "shipworthy train -- python train.py")
    contract = workspace.contract()
    materials, before, started = materials_now(contract), _products(workspace, contract), workspace.now()
    _run(workspace, command, say)
    after = _products(workspace, contract)
    again = materials_now(workspace.contract())
    if again != materials:
        changed = sorted(name for name in materials if again.get(name) != materials[name]) or sorted(again)
        raise CannotDecide(f"{changed[0]} changed while training", str(workspace.root), "train again")
    if not after:
        folder = contract.manifest.artefacts
        raise CannotDecide(f"the command left nothing in {folder}/", str(workspace.root), "write the model there")
    making = Making(
        build_type=TRAIN,
        command=tuple(command),
        seed=_seed(),
        environment={name: os.environ[name] for name in pins() if name in os.environ},
        network=OPEN,
        clean=False,
        platform=platform_name(),
        materials=materials,
        distributions=distributions(),
        version=__version__,
        started=started,
        finished=workspace.now(),
    )
    path = write_trained(workspace, provenance(sorted(after.items()), making))
    _record(workspace, contract, making, after)
    new = sorted(name for name in after if before.get(name) != after[name])
    return {"products": after, "changed": new, "provenance": str(path), "started": started}


def _run(workspace: Workspace, command: Sequence[str], say: Callable[[str], None]) -> None:
    words = [sys.executable if word in ("python", "python3") else word for word in command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIPWORTHY_")}
    say(f"train: {' '.join(command)}")
    try:
        # Its output is the user's to watch: on standard error, where progress goes.
        ran = subprocess.run(words, cwd=workspace.root, env=environment, stdout=_STDERR, check=False)
    except OSError as problem:
        raise UsageError(f"{command[0]}: {problem.strerror}", "train", "check the command") from problem
    if ran.returncode != 0:
        raise CannotDecide(f"the training left with {ran.returncode}", str(workspace.root), "nothing was attested")


def _products(workspace: Workspace, contract: Contract) -> dict[str, str]:
    """Digests of the author's files in the artefact folder, by name."""
    folder = workspace.root / contract.manifest.artefacts
    if not folder.is_dir():
        return {}
    return {name: f"sha256:{hexed}" for name, hexed in hash_folder(folder) if name not in OURS}


def _seed() -> int | None:
    """The hash seed of the caller's environment; None when Python draws one each time."""
    told = os.environ.get(HASH_SEED, "")
    return int(told) if told.isdecimal() else None


def _record(workspace: Workspace, contract: Contract, making: Making, products: dict[str, str]) -> None:
    """Note the run in the ledger of this site, where there is one."""
    if not (workspace.home / "store.db").is_file() or not (workspace.keys / CHECKPOINT).is_file():
        return
    store = workspace.store()
    try:
        told = {
            "model": contract.manifest.model,
            "started": making.started,
            "change": contract.change,
            "products": digest(products),
        }
        workspace.ledger(store).append("train", "artifact.trained", told)
    finally:
        store.close()
