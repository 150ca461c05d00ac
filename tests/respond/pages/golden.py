"""What each format makes of the same pages, kept as files: `python -m tests.respond.pages.golden --write`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from shipworthy.facts import Severity
from shipworthy.respond.moments import later
from shipworthy.respond.pages import alertmanager, apprise_text, cloudevents, pagerduty
from shipworthy.respond.pages.page import Page, Phase
from tests.respond.pages.made import AT, page

FOLDER = Path(__file__).parent / "golden"
KILLED = page(
    "never_deny_fast",
    kind="killswitch.tripped",
    severity=Severity.SEV1,
    title="tiny-triage: everything of version 2 for tenant #ab12cd34ef56 closed by never_deny_fast",
    segment="*",
    tenant="#ab12cd34ef56",
    confirm="Confirm that everything of version 2 stays closed: nobody is answered by it.",
    step=1,
    call=("ben",),
)
PAGES: dict[str, Page] = {
    "degraded": page(),
    "killed_and_late": KILLED,
    "acknowledged": page(phase=Phase.ACKNOWLEDGED),
    "resolved": page(phase=Phase.RESOLVED, ended="2027-01-04T09:30:00.000000Z"),
    "long": page(title="t" * 2_000, because="\u00e9" * 5_000, runbook="", incident=""),
}
MAKERS: dict[str, Callable[[Page], Any]] = {
    "alertmanager": lambda one: alertmanager.alerts(one, None, later(AT, 600)),
    "alertmanager_worse": lambda one: alertmanager.alerts(
        replace(one, severity=Severity.SEV1), replace(one, phase=Phase.FIRING), later(AT, 600)
    ),
    "pagerduty": pagerduty.event,
    "cloudevents": cloudevents.event,
    "apprise": lambda one: apprise_text.text(one)._asdict(),
}


def texts() -> dict[str, str]:
    """Return what each file holds."""
    return {
        f"{name}.json": json.dumps({key: make(one) for key, one in PAGES.items()}, indent=1, ensure_ascii=False) + "\n"
        for name, make in MAKERS.items()
    }


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tests.respond.pages.golden --write")
    FOLDER.mkdir(exist_ok=True)
    for file, text in texts().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
