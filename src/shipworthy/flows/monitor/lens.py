"""What a log is read with: the reference, the names of its columns, the segments; all that a worker needs, as a value.

In: a contract and a built profile, or a reference log. Out: `Lens`. It holds a key for the hashes that stand for values
nobody should see: the site's own, so that they are those of the live windows, or one for this report alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shipworthy.artifact.mac import tag
from shipworthy.contract.manifest import Decisions, Feature, Manifest
from shipworthy.deploy.segments import Hide
from shipworthy.errors import UsageError
from shipworthy.facts import Fact
from shipworthy.facts.texts import TEXT
from shipworthy.flows.monitor.periods import Every
from shipworthy.profile.groups import groups_declared
from shipworthy.profile.rows import CATEGORY
from shipworthy.profile.shapes import Profile


class Names(Fact, frozen=True, kw_only=True):
    """The columns of a log that are not inputs; one that a log does not have is "not told"."""

    time: str = "time"
    version: str = "version"
    tenant: str = "tenant"
    score: str = "score"
    decision: str = "decision"
    route: str = "route"
    label: str = "label"
    took_ms: str = "took_ms"

    def all(self) -> frozenset[str]:
        """Return the names as a set."""
        return frozenset(getattr(self, field) for field in Names.__struct_fields__)


class Lens(Fact, frozen=True, kw_only=True):
    """How rows become counts. `scores`: the reference's scores by bin, () where it has none; `hidden`: keys whose
    values are told by a keyed hash."""

    profile: Profile
    features: tuple[Feature, ...]
    names: Names
    every: Every
    key: bytes
    version: str = "1"
    words: Decisions = Decisions()
    keys: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    scores: tuple[int, ...] = ()
    ood: bool = True

    @property
    def text(self) -> frozenset[str]:
        """The columns of a CSV that keep their spelling."""
        words = {one.name for one in self.features if one.type in (CATEGORY, TEXT)}
        declared = {one.name for one in self.features}
        names = self.names
        return frozenset(
            words | (set(self.keys) - declared) | {names.version, names.tenant, names.decision, names.route, names.time}
        )

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset({*self.profile.order, *self.keys, *self.groups, *self.names.all()})

    @property
    def bins(self) -> Mapping[str, tuple[float, ...]]:
        """Edges of numeric keys."""
        return {one.name: one.bins for one in self.features if one.bins}

    def hide(self) -> Hide | None:
        """Return what stands for a value of a key that is not public, None where all are."""
        if not self.hidden:
            return None
        key, hidden = self.key, frozenset(self.hidden)

        def hide(name: str, value: str) -> str:
            return f"#{tag(key, 'segment', f'{name}={value}'.encode()).hex()[:12]}" if name in hidden else value

        return hide


def names_of(manifest: Manifest | None, given: Mapping[str, str | None], there: Collection[str]) -> Names:
    """Return the names of columns: those given, else those of the manifest, else the usual ones.

    Raises UsageError for a name that was given and that no file has.
    """
    usual: dict[str, str] = {}
    if manifest is not None:
        usual["label"] = manifest.label.column if manifest.label.column in there else "label"
        usual["tenant"] = manifest.tenant or "tenant"
    for option, name in given.items():
        if name is not None and name not in there:
            raise UsageError(f"no column {name!r}", f"--{option.replace('_', '-')}", f"there are {_some(there)}")
    return Names(**{**usual, **{option: name for option, name in given.items() if name is not None}})


def lens_of(manifest: Manifest, profile: Profile, names: Names, every: Every, key: bytes, ood: bool) -> Lens:
    """Return the lens of a contract: its segments, and the groups that windows tell apart, as the gateway has them."""
    hidden = tuple(one.key for one in manifest.segments.keys if not one.public)
    return Lens(
        profile=profile,
        features=manifest.features,
        names=names,
        every=every,
        key=key,
        version=manifest.version,
        words=manifest.decisions,
        keys=tuple(one.key for one in manifest.segments.keys),
        hidden=hidden,
        pairs=manifest.segments.pairs,
        groups=tuple(one.name for one in manifest.features if one.protected and groups_declared(one)),
        ood=ood,
    )


def _some(names: Collection[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")
