"""`flagd.json`: the flags of this site as a file for flagd and its in-process clients, as new as the state.

In: a running site's state, or the state on disk. Out: the document in the state directory, or where it is wanted,
replaced whole. It is written when it would say something else, and never on the request path. A state that a running
site cannot read is published as no permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.contract.manifest import Manifest
from shipworthy.deploy.flags import Rule, document
from shipworthy.deploy.routing import Routes, routes_of
from shipworthy.facts import Named, RuntimeState, parse_segment, resolve
from shipworthy.respond.compiled import Compiled
from shipworthy.runtime.live import Live
from shipworthy.store.failpoints import nothing
from shipworthy.store.safe_files import write_whole

FILE = "flagd.json"


class FlagFile:
    """The file of one running site, in its state directory.

    `routes(routes)`: routes as overrides narrow them; `may_serve(version)`: loaded, not closed, its circuit not open.
    """

    def __init__(
        self,
        home: Path,
        manifest: Manifest,
        live: Live,
        routes: Callable[[Routes], Routes],
        may_serve: Callable[[str | None], bool],
    ) -> None:
        self.path = home / FILE
        self._manifest = manifest
        self._live = live
        self._routes = routes
        self._may_serve = may_serve
        self._said: tuple[int, Routes] | None = None

    def keep_up(self) -> None:
        """Write the file when it would say something else. Raises Unreachable when the disk refuses."""
        routes = self._routes(self._live.routes)
        if not self._may_serve(routes.candidate):
            routes = Routes(baseline=routes.baseline)
        said = (self._live.state.epoch, routes)
        if said != self._said:
            write(self.path, document_of(self._manifest, said[0], routes, self._live.rules()))
            self._said = said


def document_of(manifest: Manifest, epoch: int, routes: Routes, rules: Iterable[Any]) -> dict[str, Any]:
    """Return the flagd document for these routes, orders and the manifest's scope limits."""
    limits = [
        Rule("*", "*", tuple(parse_segment(one.segment).items()), _limit(manifest, one.posture))
        for one in manifest.scope_limits
    ]
    kinds = {feature.name: feature for feature in manifest.features}
    plain = {
        key.key
        for key in manifest.segments.keys
        if key.public and (feature := kinds.get(key.key)) is not None and feature.type == "category"
    }
    told: dict[str, str | int] = {"epoch": epoch, "baseline": routes.baseline}
    orders = [Rule(*one) for one in rules]
    return document(manifest.model, routes, [*orders, *limits], plain, manifest.tenant, told)


def document_of_state(manifest: Manifest, state: RuntimeState) -> dict[str, Any]:
    """Return the document of a state as it lies on disk, with no site running."""
    compiled = Compiled(state, manifest.model, manifest.fallback, manifest.kill_fallback)
    routes = routes_of(state.baseline, state.rollout)
    if routes.candidate is not None and compiled.closed(routes.candidate):
        routes = Routes(baseline=state.baseline)
    return document_of(manifest, state.epoch, routes, compiled.rows)


def write(path: Path, told: dict[str, Any]) -> None:
    """Replace the file: readers see the old document or the new one. Raises Unreachable when the disk refuses."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n", nothing)


def _limit(manifest: Manifest, posture: str) -> Any:  # noqa: ANN401
    return resolve(Named(posture), manifest.fallback, manifest.kill_fallback)
