"""One mutant: made in a sandbox, put through pack, gate and replayed runtime.

In: the sandbox of the release with what the release itself showed there, and the mutant. Out: `Found`: what stopped it,
which the release passes. Where the mutant changes nothing that is measured (the traffic, or a file after signing), the
evidence of the release is the mutant's own and is not made again.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.errors import ShipworthyError
from shipworthy.evaluate.bench import Answers, Model
from shipworthy.evaluate.mutants import answers, rows, traffic
from shipworthy.evaluate.mutants.kind import Mutant, NotMade
from shipworthy.evaluate.mutants.known import Known
from shipworthy.evaluate.mutants.moved import LIVE, Seen, measured, seen_in
from shipworthy.facts import Fact, canonical
from shipworthy.flows.build import build
from shipworthy.flows.clean_build import thresholds_of
from shipworthy.flows.model import OpenModel, all_datasets, open_model
from shipworthy.flows.provenance import read_made, write_provenance
from shipworthy.flows.strength.judged import evaluated, not_green
from shipworthy.flows.strength.sandbox import Sandbox
from shipworthy.flows.strength.table import rewrite_seed, rewrite_training
from shipworthy.gate.strength import Where
from shipworthy.models.spec import columns_of
from shipworthy.profile.rows import Value
from shipworthy.profile.thresholds import Words
from shipworthy.runtime.replayed import Claim, Ordered, replay, tenant_of
from shipworthy.runtime.subject import OURS, RELEASE, artefact_digest

TOLD = "mutant.json"
TRAFFIC = ("traffic", "test")


class Base(Fact, frozen=True, kw_only=True):
    """What the release itself showed in its sandbox: rules it does not pass, numbers, orders on its own traffic."""

    not_green: dict[str, str]
    seen: dict[str, Seen]
    orders: tuple[Ordered, ...]


class Found(Fact, frozen=True, kw_only=True):
    """What became of one mutant. `by`: the rules that stopped it; `why`: their reasons, or why it was not made."""

    id: str
    stopped: Where
    by: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    requests: int | None = None
    sent: int = 0
    seen: dict[str, Seen] = {}


class Wrapped(OpenModel):
    """The release's model, answering otherwise."""

    def __init__(self, model: OpenModel, contract: Contract, change: answers.Change) -> None:
        self._model = model
        self._change = change
        self._columns = columns_of(contract.manifest.features)

    def values(self, rows: list[list[Value]]) -> Answers:  # type: ignore[override]
        """Return the mutant's answers."""
        asked = [list(row) for row in rows]
        return self._change(asked, self._model.values(asked))


@dataclass(frozen=True)
class Trial:
    """One mutant in its own copy of the sandbox."""

    mutant: Mutant
    base: Base
    box: Sandbox

    def run(self) -> Found:
        """Make it and put it through. A mutant that cannot be made is `not made`, never stopped."""
        try:
            return self._run()
        except NotMade as problem:
            return Found(id=self.mutant.id, stopped="not made", why=(problem.why,))

    def _run(self) -> Found:
        contract = self.box.workspace.contract()
        place = self.mutant.place
        if place in ("rows", "code"):
            return self._retrained(contract)
        if place == "files":
            swap_file(self.box, contract)
            return self._stopped(not_green(self.box), {}) or self._found("nowhere", self.base.seen)
        with open_model(self.box.root, contract.manifest) as model:
            if place == "answers":
                return self._answering(contract, model)
            return self._live(contract, model.values, self.base.seen)

    def _retrained(self, contract: Contract) -> Found:
        if not contract.manifest.build:
            raise NotMade(self.mutant.id, "the manifest has no `build:` command to train again")
        if self.mutant.place == "code":
            rewrite_seed(self.box.root, contract)
        else:
            change = partial(rows.mutated, known=known_of(self.box.root, contract), mutant=self.mutant)
            rewrite_training(self.box.root, contract, change)
        try:
            build(self.box.workspace, lambda text: None)
        except ShipworthyError as problem:
            return self._found("gate", {}, ("build",), (problem.what,))
        contract = self.box.settle()
        with open_model(self.box.root, contract.manifest) as model:
            return self._judged(contract, model)

    def _answering(self, contract: Contract, model: OpenModel) -> Found:
        known = known_of(self.box.root, contract)
        wrapped = Wrapped(model, contract, answers.changed(known, self.mutant, model.values))
        release_as(self.box, contract, wrapped, self.mutant)
        return self._judged(self.box.settle(), wrapped)

    def _judged(self, contract: Contract, model: OpenModel) -> Found:
        try:
            seen = seen_in(evaluated(self.box, model))
        except ShipworthyError as problem:
            return self._found("gate", {}, ("evaluate",), (problem.what,))
        return self._stopped(not_green(self.box), seen) or self._live(contract, model.values, seen)

    def _stopped(self, failed: Mapping[str, str], seen: dict[str, Seen]) -> Found | None:
        new = {name: why for name, why in failed.items() if name not in self.base.not_green}
        return self._found("gate", seen, tuple(new), tuple(new.values())) if new else None

    def _live(self, contract: Contract, model: Model, seen: dict[str, Seen]) -> Found:
        """What the gate let through meets traffic: stopped by the first order that the release itself never gets."""
        sent = claims_of(self.box.root, contract, self.mutant)
        if not sent:
            return self._found("nowhere", seen)
        usual = {(one.rule, one.segment) for one in self.base.orders}
        played = replay(self.box.workspace, model, sent, usual)
        new = [one for one in played.orders if (one.rule, one.segment) not in usual]
        by = tuple(dict.fromkeys(one.rule if one.segment == "*" else f"{one.rule} on {one.segment}" for one in new))
        found = self._found("runtime" if new else "nowhere", {**seen, **measured(played.measured, LIVE)}, by)
        requests = new[0].requests if new else None
        return msgspec.structs.replace(found, requests=requests, sent=len(sent))

    def _found(
        self, stopped: Where, seen: dict[str, Seen], by: tuple[str, ...] = (), why: tuple[str, ...] = ()
    ) -> Found:
        return Found(id=self.mutant.id, stopped=stopped, by=by, why=why, seen=seen)


def known_of(root: Path, contract: Contract) -> Known:
    """Return what mutations may look at."""
    manifest = contract.manifest
    data = all_datasets(root, manifest)
    words = Words(deny=manifest.decisions.deny, approve=manifest.decisions.approve, review=manifest.decisions.review)
    return Known(
        features=manifest.features,
        label=manifest.label.column,
        train=data.get("train", []),
        held_out=data.get("test", []),
        seed=contract.seed,
        words=words,
        tenant=manifest.tenant,
    )


def claims_of(root: Path, contract: Contract, mutant: Mutant | None) -> list[Claim]:
    """Return the traffic to replay: the dataset `traffic`, else the held-out rows; mutated when the mutant says so."""
    manifest = contract.manifest
    data = all_datasets(root, manifest)
    sent = next((data[name] for name in TRAFFIC if data.get(name)), [])
    known = known_of(root, contract)
    if mutant is not None and mutant.place == "traffic":
        sent = traffic.mutated(sent, known, mutant)
    return [
        Claim(
            row={name: cell for name, cell in row.items() if name != known.label},
            tenant=tenant_of(row, manifest.tenant),
            label=known.truth(row),
        )
        for row in sent
    ]


def release_as(box: Sandbox, contract: Contract, model: OpenModel, mutant: Mutant) -> None:
    """Make the mutant's answers a release: thresholds fitted to them, an artefact of its own, told as built here."""
    manifest = contract.manifest
    folder = box.root / manifest.artefacts
    made = read_made(box.workspace, artefact_digest(folder))
    thresholds = thresholds_of(model, manifest, all_datasets(box.root, manifest)["calibration"])
    (folder / RELEASE).write_bytes(msgspec.json.format(canonical(thresholds), indent=1) + b"\n")
    (folder / TOLD).write_bytes(canonical(mutant) + b"\n")
    if made is not None:
        write_provenance(box.workspace, manifest.model, artefact_digest(folder), made.making)


def swap_file(box: Sandbox, contract: Contract) -> None:
    """Change the largest file of the author after it was signed."""
    folder = box.root / contract.manifest.artefacts
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in OURS]
    if not files:
        raise NotMade("artefact.swapped", "the artefact has no file of the author's")
    largest = max(files, key=lambda path: (path.stat().st_size, path.name))
    largest.write_bytes(largest.read_bytes() + b"\n")


def clear(box: Sandbox) -> None:
    """Remove a sandbox."""
    shutil.rmtree(box.at, ignore_errors=True)
