"""The page about being on call: its commands run on its own file, and its figures are the code's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from shipworthy.respond.pages.alertmanager import LASTS_S
from shipworthy.respond.pages.notices import LASTS_S as NOTICE_S
from shipworthy.respond.triggers import MOST_HELD, SKEW_S, STALE_S
from shipworthy.runtime.outside.alerts import MOST_ALERTS, MOST_BYTES, PATH, Rate
from shipworthy.runtime.paging.post import NEVER
from shipworthy.runtime.paging.receiver import Pace
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.paging.receivers import Receiver
from tests.test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs/how-to/on-call.md").read_text(encoding="utf-8")
LISTED = next(block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "pagers:" in block)


@pytest.mark.slow
def test_its_commands_run(shipped: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, key in {"pagerduty.key": "0" * 32, "people.key": "json://127.0.0.1:9/"}.items():
        (tmp_path / name).touch(0o600)
        (tmp_path / name).write_text(key)
    ran = []
    with Receiver(200) as receiver:
        assert LISTED.count("http://127.0.0.1:9093") == 1
        (tmp_path / "pagers.yaml").write_text(LISTED.replace("http://127.0.0.1:9093", receiver.url))
        for line in (line for block in BLOCK.findall(PAGE) for line in block.splitlines()):
            words = shlex.split(line)[1:]
            if words[0] == "serve":
                continue  # it runs until it is told to stop: tests/runtime/paging/test_served.py
            left = verb(shipped, *words)
            assert left.code == 0, (words, left.err)
            ran.append(words[:2])
        assert receiver.asked == 2
    assert ran == [["pagers", "list"], ["pagers", "test"], ["pagers", "owed"], ["keys", "token"]]


def test_its_figures_are_the_codes() -> None:
    pace, rate = Pace(), Rate()
    assert (LASTS_S, NOTICE_S, STALE_S, SKEW_S) == (300, 4 * 3600, 3600, 300)
    assert (pace.base_s, pace.cap_s, pace.most_s, pace.again_s) == (1, 300, 3600, 60)
    assert {400, 413, 422} <= NEVER
    assert "/hooks/alertmanager\n" in PAGE
    assert PATH == "/hooks/alertmanager"
    text = " ".join(PAGE.split())
    assert f"At most {MOST_ALERTS:,} alerts and {MOST_BYTES >> 20} MiB a request, {rate.burst} requests at once" in text
    assert rate.rate_per_s == 1
    assert f"{MOST_HELD} orders of alerts in all" in text
