"""Which columns of a CSV are text, whatever they look like."""

from __future__ import annotations

from shipworthy.contract.manifest import Manifest
from shipworthy.facts.texts import TEXT


def text_columns(manifest: Manifest) -> frozenset[str]:
    """Return the columns that are text whatever they look like: declared categories and texts, segment keys,
    the tenant."""
    categories = {feature.name for feature in manifest.features if feature.type in ("category", TEXT)}
    keys = {key.key for key in manifest.segments.keys if manifest.feature(key.key) is None}
    return frozenset(categories | keys | ({manifest.tenant} if manifest.tenant else set()))
