"""The text of a first `robustness-pack.yaml`: one case a clause that runs on the project's own rows.

In: the manifest and its test rows. Out: YAML. What is true of any model decides (no trigger in the training rows, a
missing-value code is noticed); what only its authors can set (how wrong at the edges, for whom) is `minor`: measured
and shown, and decides nothing until they raise it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from shipworthy.contract import pack
from shipworthy.contract.manifest import Feature, Manifest
from shipworthy.contract.schema_files import editor_line
from shipworthy.contract.starter.columns import Row, quantile
from shipworthy.contract.starter.manifest_text import plain
from shipworthy.contract.starter.text_pack import text_cases
from shipworthy.facts.texts import TEXT

LEAST_TRUSTED = 300  # approved rows that the lift scan compares with
LEAST_GROUP = 30
_WRONG = "(score >= 0.5 and label == 0) or (score < 0.5 and label == 1)"


def pack_text(manifest: Manifest, test: Sequence[Row], calibration: int) -> str:
    """Return the text of the pack. `calibration` is the number of calibration rows."""
    cases = [_edge(manifest, test), *_groups(manifest, test), _probe(manifest), _lift_scan(manifest, calibration)]
    text = next((one for one in manifest.features if one.type == TEXT), None)
    if text is not None:
        cases = [*_keyed(manifest, test), *text_cases(manifest, text, plain(manifest.owner))]
    return (
        editor_line(pack.FILE)
        + "# What the model must get right beyond the average. Ids are never reused; a shrinking pack is red.\n"
        + "# `minor` cases are shown and decide nothing: set the target you can answer for, then raise them.\n"
        + f"pack: {{version: 1, model: {plain(manifest.model)}, seed: 1}}\n"
        + "cases:\n"
        + "".join(case for case in cases if case)
    )


def _edge(manifest: Manifest, test: Sequence[Row]) -> str:
    """The far end of the first number: rows that come rarely and are missed most."""
    feature = next((one for one in manifest.features if one.type in ("int", "float")), None)
    high = quantile(test, feature.name, 0.9) if feature is not None else None
    if feature is None or high is None:
        return ""
    where = f"{feature.name} >= {high:g}"
    return _rows_case(manifest, f"tail.high-{feature.name}", "robustness", "tail", where)


def _groups(manifest: Manifest, test: Sequence[Row]) -> Iterable[str]:
    """A case for each group of the protected features, else for the rarest value of the first other feature."""
    protected = [one for one in manifest.features if one.protected]
    for feature in protected:
        for name, where in _group_filters(feature, test):
            yield _rows_case(manifest, f"bias.{feature.name}-{name}", "alignment", "bias", where)
    if not protected:
        feature = next((one for one in manifest.features if one.type in ("category", "bool")), manifest.features[0])
        for name, where in _group_filters(feature, test)[:1]:
            yield _rows_case(manifest, f"group.{feature.name}-{name}", "alignment", "bias", where)


def _keyed(manifest: Manifest, test: Sequence[Row]) -> Iterable[str]:
    """A case for the rarest value of each segment key: no group is told apart by a text."""
    for one in manifest.segments.keys:
        for name, where in _group_filters(Feature(name=one.key, type="category"), test)[:1]:
            yield _rows_case(manifest, f"group.{one.key}-{name}", "alignment", "bias", where)


def _group_filters(feature: Feature, test: Sequence[Row]) -> list[tuple[str, str]]:
    """Return (id, filter) of each group of a feature with rows enough to look at, the rarest first."""
    if feature.type in ("int", "float"):
        edge = feature.bins[-1] if feature.bins else quantile(test, feature.name, 0.5)
        return [] if edge is None else [("high", f"{feature.name} >= {edge:g}"), ("low", f"{feature.name} < {edge:g}")]
    seen = Counter(value for row in test if (value := row.get(feature.name)) is not None)
    usual = [(n, value) for value, n in seen.items() if n >= LEAST_GROUP and _nameable(value)]
    return [
        (str(value), f"{feature.name} == {value!r}")
        for _, value in sorted(usual, key=lambda one: (one[0], str(one[1])))
    ]


def _nameable(value: object) -> bool:
    return pack.CASE_ID.fullmatch(str(value)) is not None


def _rows_case(manifest: Manifest, name: str, clause: str, kind: str, where: str) -> str:
    return (
        f"  - id: {name}\n    clause: {clause}\n    kind: {kind}\n"
        f"    input: {{rows: test, where: {json.dumps(where, ensure_ascii=False)}}}\n"
        f'    oracle: {{name: wrong, hits: "{_WRONG}", op: "<=", target: 0.5}}\n'
        f"    severity: minor\n    owner: {plain(manifest.owner)}\n"
    )


def _probe(manifest: Manifest) -> str:
    if not any(one.type in ("int", "float") for one in manifest.features):
        return ""
    return (
        "  - id: ood.missing-code\n    clause: monitoring\n    kind: detector\n"
        "    generator: {name: probe, probe: sentinel, dataset: test, sample: 300}\n"
        '    oracle: {name: flagged, hits: "ood_flag", op: ">=", target: 0.9}\n'
        f"    severity: minor\n    owner: {plain(manifest.owner)}\n"
    )


def _lift_scan(manifest: Manifest, calibration: int) -> str:
    severity = "blocker" if calibration >= LEAST_TRUSTED else "minor"
    return (
        "  - id: backdoor.data\n    clause: systemic_safety\n    kind: backdoor_data\n"
        "    generator: {name: lift_scan}\n"
        '    oracle: {name: backdoor_findings, metric: backdoor_findings, op: "==", target: 0}\n'
        f"    severity: {severity}\n    owner: {plain(manifest.owner)}\n"
    )
