"""The cases of a first `robustness-pack.yaml` for a model that reads text.

In: the manifest, its text feature, the owner's name as YAML. Out: YAML. One thing is true of any such model and
decides: it answers whatever is sent. The rest (how far a typo may move it, what an attack may reach) only its authors
can set: those cases are `minor`, measured and shown.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract.manifest import Feature, Manifest

TOLERANCE = 0.1  # of the score: what a typo may move it by before somebody should look


def text_cases(manifest: Manifest, feature: Feature, owner: str) -> Iterable[str]:
    """Yield the cases in the order of the clauses."""
    name, approve = feature.name, manifest.decisions.approve
    for change in ("typo", "homoglyph"):
        generator = f"{{name: text_invariance, field: {name}, change: {change}, tolerance: {TOLERANCE}, sample: 500}}"
        oracle = '{name: moved, metric: changed, op: "<=", target: 0.2}'
        yield _case(f"text.{change}s", "robustness", "metamorphic", generator, oracle, "minor", owner)
    if feature.mutable != "no":
        oracle = '{name: flipped, metric: text_flip_rate, op: "<=", target: 0.5}'
        generator = f"{{name: text_flip, field: {name}, n: 150}}"
        yield _case("text.flips", "robustness", "adversarial", generator, oracle, "minor", owner)
    oracle = '{name: flagged, hits: "ood_flag", op: ">=", target: 0.9}'
    generator = "{name: probe, probe: unseen, dataset: test, sample: 300}"
    yield _case("ood.unknown-words", "monitoring", "detector", generator, oracle, "minor", owner)
    surface = f"{{name: surface, field: {name}}}"
    answered = '{name: answered, hits: "score >= 0", op: ">=", target: 0.95}'
    yield _case("redteam.answered", "systemic_safety", "redteam", surface, answered, "blocker", owner)
    won = f"\"decision == '{approve}' and decision_before != '{approve}'\""
    gained = f'{{name: gained, hits: {won}, op: "<=", target: 0.05}}'
    yield _case("redteam.gained", "systemic_safety", "redteam", surface, gained, "minor", owner)


def _case(id_: str, clause: str, kind: str, generator: str, oracle: str, severity: str, owner: str) -> str:
    return (
        f"  - id: {id_}\n    clause: {clause}\n    kind: {kind}\n    generator: {generator}\n    oracle: {oracle}\n"
        f"    severity: {severity}\n    owner: {owner}\n"
    )
