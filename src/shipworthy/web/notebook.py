"""`shipworthy.Project` as a notebook has it: the verbs of a repository, and reports that show themselves.

In: a path. Out: what `flows.project.Project` gives, and `monitor`, whose report is drawn where it is the last
value of a cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.flows.project import Project as Verbs

if TYPE_CHECKING:
    from shipworthy.flows.monitor.told import MonitorReport


class Shown:
    """A report: `found` holds its values, `html()` is one page, and notebooks show it by themselves."""

    def __init__(self, found: MonitorReport) -> None:
        self.found = found

    def html(self) -> str:
        """Return the page that `--html` writes."""
        from shipworthy.web.monitor.page import page

        return page(self.found)

    def _repr_html_(self) -> str:
        from shipworthy.web.monitor.page import fragment

        return fragment(self.found)

    def __repr__(self) -> str:
        from shipworthy.web.monitor.text import text

        return text(self.found)


class Project(Verbs):
    """One model repository. `home` is its state directory, by default `.shipworthy/state` inside it."""

    def monitor(
        self,
        logs: Any,  # noqa: ANN401 - a path, several, or a frame of whatever library
        *,
        every: str | None = None,
        reference: str | Path | None = None,
        columns: Mapping[str, str] | None = None,
        segments: Sequence[str] = (),
        groups: Sequence[str] = (),
        ignored: Sequence[str] = (),
        ood: bool = True,
        backtest: str | Path | None = None,
    ) -> Shown:
        """Report on logged requests: files, folders or globs, or a pandas, Polars or Arrow frame, or lists by column.

        `columns` names those that are called otherwise, such as `{"time": "at"}`. Raises UsageError, ContractError or
        CannotDecide.
        """
        from shipworthy.flows.monitor.monitor import Asked, monitor, monitor_frame

        asked = Asked(
            every=every,
            reference=None if reference is None else str(reference),
            columns=dict(columns or {}),
            segments=tuple(segments),
            groups=tuple(groups),
            ignored=tuple(ignored),
            ood=ood,
            backtest=None if backtest is None else str(backtest),
        )
        if isinstance(logs, str | Path):
            logs = [logs]
        if isinstance(logs, list | tuple):
            return Shown(monitor(self.workspace, logs, asked, lambda _: None))
        return Shown(monitor_frame(self.workspace, logs, asked))
