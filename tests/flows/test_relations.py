"""The relations of the manifest reach the attacks: what they forbid is no row of an evaluation."""

from __future__ import annotations

from shipworthy.flows.evaluate import bench_of
from shipworthy.flows.model import open_model
from tests.flows.tiny import Tiny


def test_every_relation_of_the_manifest_is_on_the_bench(prepared: Tiny) -> None:
    relations = "relations: [{name: fast, holds: speed >= 5}, {name: grown_up, holds: 'age >= 18 or speed < 3'}]\n"
    prepared.edit("shipworthy.yaml", "fallback: human_review\nkill", f"{relations}fallback: human_review\nkill")
    contract = prepared.workspace.contract()
    with open_model(prepared.root, contract.manifest) as model:
        bench = bench_of(prepared.root, contract, model, contract.cases)
    fast, grown_up = bench.relations
    assert (fast({"speed": 5}), fast({"speed": 4}), fast({})) == (True, False, None)
    assert grown_up({"speed": 9, "age": 17}) is False
