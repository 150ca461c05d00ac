"""The names of evaluators that other installed packages bring; none of them is loaded here.

In: the installed packages. Out: the names under the entry point group `shipworthy.evaluators`. Looked up only where a
case names a generator that is not ours, since it reads the metadata of every package.
"""

from __future__ import annotations

from shipworthy.contract.generators import ENTRY_POINTS


def plugin_names() -> frozenset[str]:
    """Return the names."""
    from importlib.metadata import entry_points

    return frozenset(point.name for point in entry_points(group=ENTRY_POINTS))
