"""Where the artefact came from, as far as it bears on the verdict.

In: the provenance of the artefact (None when there is none), what its files are now, when the threat model was made,
the stakes. Out: blocks and warnings. A threat model that is written after the training describes what was built;
written before, it could still change it. So it must precede the build of exactly this subject.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import msgspec

from shipworthy.artifact.provenance import Provenance, changed_materials
from shipworthy.facts import Block, Digest

_BUILD_AGAIN = "run `shipworthy build` (the same inputs give the same bits), then sign and evaluate"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What provenance shows and what it leaves open."""

    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()


def origin(
    made: Provenance | None,
    materials: Mapping[str, Digest],
    settled: Collection[str],
    threats_created: str | None,
    stakes: str,
) -> Origin:
    """Return the findings. `materials` are the digests now; `settled` names files that may change without a rebuild.

    `threats_created` is a date or an RFC 3339 time, None when there is no threat model.
    """
    if made is None:
        return _without(threats_created, stakes)
    kept = [name for name in {*made.making.materials, *materials} if name not in settled]
    then = {name: made.making.materials[name] for name in kept if name in made.making.materials}
    now = {name: materials[name] for name in kept if name in materials}
    changed = changed_materials(then, now)
    blocks = []
    if changed:
        because = f"the artefact was made from other files: {', '.join(changed)}"
        blocks.append(Block(name="provenance", because=because, fix=_BUILD_AGAIN, exit_code=4))
    late = threats_late(threats_created, made.making.started) if threats_created is not None else ""
    if late:
        blocks.append(Block(name="threat model", because=late, fix=_BUILD_AGAIN, exit_code=1))
    return Origin(blocks=tuple(blocks))


def threats_late(created: str, started: str) -> str:
    """Return why a threat model does not precede a build, "" when it does. A bare date counts from its midnight, UTC.

    >>> threats_late("2026-11-02T09:00:00Z", "2026-11-09T06:00:00.000000Z")
    ''
    >>> threats_late("2026-11-09", "2026-11-09T06:00:00Z")
    ''
    >>> threats_late("2026-11-10", "2026-11-09T06:00:00Z")
    'it is of 2026-11-10, the build began before, at 2026-11-09T06:00:00Z'
    """
    try:
        first, then = _instant(created), _instant(started)
    except ValueError:
        return f"{created!r} cannot be compared with the build, which began at {started}"
    return "" if first <= then else f"it is of {created}, the build began before, at {started}"


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _without(threats_created: str | None, stakes: str) -> Origin:
    """No provenance: high stakes cannot be decided, others are told what is not shown."""
    what = "nothing shows how this artefact was made"
    if threats_created is not None:
        what += ", nor that the threat model came first"
    if stakes == "high":
        return Origin(blocks=(Block(name="provenance", because=what, fix="run `shipworthy build`", exit_code=4),))
    return Origin(warnings=(f"no provenance: {what}: run `shipworthy build`",))
