"""Where the artefact came from, as far as it bears on the verdict.

In: the provenance of the artefact (None when there is none), what its files are now, when the threat model was made,
the stakes. Out: blocks and warnings. A threat model that is written after the training describes what was built;
written before, it could still change it. So it must precede the build of exactly this subject.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import msgspec

from shipworthy.artifact.provenance import TRAIN, Provenance, changed_materials
from shipworthy.facts import Block, Digest

HOW_TO_TELL = "give the manifest a `build:` command, or train with `shipworthy train -- COMMAND`"
"""What is missing where nothing shows how an artefact was made, and `shipworthy build` has nothing to run."""
_BUILD_AGAIN = "run `shipworthy build` (the same inputs give the same bits), then sign and evaluate"
_TRAIN_AGAIN = "run `shipworthy train -- {}`, then build, sign and evaluate"


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
    builds: bool = True,
) -> Origin:
    """Return the findings. `materials` are the digests now; `settled` names files that may change without a rebuild.

    `threats_created` is a date or an RFC 3339 time, None when there is no threat model. `builds`: the manifest has a
    build command.
    """
    if made is None:
        return _without(threats_created, stakes, builds)
    trained = made.making.build_type == TRAIN and not builds
    again = _TRAIN_AGAIN.format(" ".join(made.making.command)) if trained else _BUILD_AGAIN
    kept = [name for name in {*made.making.materials, *materials} if name not in settled]
    then = {name: made.making.materials[name] for name in kept if name in made.making.materials}
    now = {name: materials[name] for name in kept if name in materials}
    changed = changed_materials(then, now)
    blocks = []
    if changed:
        because = f"the artefact was made from other files: {', '.join(changed)}"
        blocks.append(Block(name="provenance", because=because, fix=again, exit_code=4))
    late = threats_late(threats_created, made.making.started) if threats_created is not None else ""
    if late:
        blocks.append(Block(name="threat model", because=late, fix=again, exit_code=1))
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


def _without(threats_created: str | None, stakes: str, builds: bool) -> Origin:
    """No provenance: high stakes cannot be decided, others are told what is not shown."""
    what = "nothing shows how this artefact was made"
    if threats_created is not None:
        what += ", nor that the threat model came first"
    fix = "run `shipworthy build`" if builds else f"{HOW_TO_TELL}, then run `shipworthy build`"
    if stakes == "high":
        return Origin(blocks=(Block(name="provenance", because=what, fix=fix, exit_code=4),))
    return Origin(warnings=(f"no provenance: {what}: {fix}",))
