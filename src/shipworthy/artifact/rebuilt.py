"""What a second build showed: the same bits, the same behaviour, or neither.

In: the files of both builds. Out: `Rebuilt`, bound to the artefact and to what went into it, without a clock. The
record is written by whoever rebuilds and read by the gate; bound to another artefact or other files it shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from shipworthy.facts import Digest, Fact, Measurement, digest

SCORE_TOLERANCE = 1e-9


class Difference(Fact, frozen=True, kw_only=True):
    """One file that is not the same in both builds, and the likely reason."""

    file: str
    why: str


class Rebuilt(Fact, frozen=True, kw_only=True):
    """The outcome of a rebuild. `materials` is the digest over names and digests of the files that went in.

    `bits`: every file has the same bytes. `behaviour`: files differ, and on each of `rows` declared calibration and
    test rows the decision, its route and the out-of-distribution flag are the same and the scores differ by at most
    1e-9; `worst` is the largest difference of scores. `differs`: neither. `environment` names what was installed
    otherwise.
    """

    schema: Literal["shipworthy/rebuilt@1"] = "shipworthy/rebuilt@1"
    artefact: Digest
    again: Digest
    materials: Digest
    outcome: Literal["bits", "behaviour", "differs"]
    differences: tuple[Difference, ...] = ()
    rows: int = 0
    worst: float | None = None
    environment: tuple[str, ...] = ()


def materials_digest(materials: Mapping[str, Digest]) -> Digest:
    """Return the digest over the files that went into a build."""
    return digest(dict(sorted(materials.items())))


def shows_same_bits(rebuilt: Rebuilt | None, artefact: Digest, materials: Mapping[str, Digest]) -> bool:
    """True when a rebuild of exactly this artefact, from exactly these files, gave the same bits."""
    return rebuilt is not None and rebuilt.outcome == "bits" and is_of(rebuilt, artefact, materials)


def is_of(rebuilt: Rebuilt, artefact: Digest, materials: Mapping[str, Digest]) -> bool:
    """True when the record is of this artefact and of these materials, and does not contradict itself."""
    same = rebuilt.artefact == rebuilt.again and not rebuilt.differences
    return (
        rebuilt.artefact == artefact
        and rebuilt.materials == materials_digest(materials)
        and same is (rebuilt.outcome == "bits")
    )


def rebuild_match(rebuilt: Rebuilt) -> Measurement:
    """Return the measurement of the indicator `rebuild_match`: 1 when the bits are the same, else 0.

    It is counted, not sampled, so its bounds are itself at every level.
    """
    value = 1.0 if rebuilt.outcome == "bits" else 0.0
    method = f"built again in a clean folder: {rebuilt.outcome}"
    return Measurement(
        indicator="rebuild_match", n=1, hits=int(value), value=value, lo=value, hi=value, level=1.0, method=method
    )
