"""The gateway's wiring from a contract: keys, what stands for hidden values, and throttles.

In: a manifest and the site's MAC key. Out: what `Wiring` is given of them. Every gateway of a site gets the same.
"""

from __future__ import annotations

from pathlib import Path

from shipworthy.artifact.mac import tag
from shipworthy.contract.manifest import Manifest
from shipworthy.deploy.http.places import Keys
from shipworthy.deploy.segments import Hide
from shipworthy.deploy.throttle import Part, Throttles, longest_s
from shipworthy.profile.groups import groups_declared
from shipworthy.store.bucket_map import FILE, BucketMap


def keys_of(manifest: Manifest, mac_key: bytes) -> Keys:
    """Return where a row says whose it is."""
    return Keys(
        tenant=manifest.tenant,
        unit=manifest.unit,
        segments=tuple(key.key for key in manifest.segments.keys),
        pairs=manifest.segments.pairs,
        groups=tuple(one.name for one in manifest.features if one.protected and groups_declared(one)),
        hide=hidden_keys(manifest, mac_key),
        bins={feature.name: feature.bins for feature in manifest.features if feature.bins},
    )


def throttles_of(manifest: Manifest) -> Throttles:
    """Return the throttles of the contract, in this process's memory."""
    told = manifest.throttles
    return Throttles() if told is None else Throttles(told.default, told.tenants)


def throttle_table(manifest: Manifest, home: Path, mac_key: bytes) -> BucketMap | None:
    """Return the table that all processes of this host count in; None without throttles."""
    told = manifest.throttles
    return None if told is None else BucketMap(home / FILE, mac_key, longest_s(told.default, told.tenants))


def shared_throttles(manifest: Manifest, home: Path, mac_key: bytes, part: Part) -> Throttles:
    """Return the throttles of the contract, exact over all processes of this host; `part`: which of them this is."""
    told, times = manifest.throttles, throttle_table(manifest, home, mac_key)
    return Throttles() if told is None else Throttles(told.default, told.tenants, times, part)


def hidden_keys(manifest: Manifest, mac_key: bytes) -> Hide | None:
    """Return what stands for values of keys that are not public: a keyed hash, the same on every gateway."""
    public = {key.key for key in manifest.segments.keys if key.public}
    if len(public) == len(manifest.segments.keys):
        return None

    def hide(name: str, value: str) -> str:
        return value if name in public else f"#{tag(mac_key, 'segment', f'{name}={value}'.encode()).hex()[:12]}"

    return hide
