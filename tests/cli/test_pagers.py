"""`shipworthy pagers`: who they are without their secrets, what each answers, and what is owed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shipworthy.respond.lies import WARNED_AS
from shipworthy.runtime.paging.paging import NOBODY
from tests.cli.calls import call, verb
from tests.flows.tiny import Tiny
from tests.respond.pages.test_formats import valid_event
from tests.runtime.paging.receivers import Receiver

ROUTING = "0123456789abcdef0123456789abcdef"


def write(folder: Path, *urls: str) -> Path:
    key = folder / "pd.key"
    key.touch(0o600)
    key.write_text(ROUTING)
    kinds = ["pagerduty, key_file: pd.key", "cloudevents", "alertmanager"]
    lines = [f"  - {{name: p{at}, kind: {kinds[at]}, url: '{url}'}}" for at, url in enumerate(urls)]
    path = folder / "pagers.yaml"
    path.write_text("pagers:\n" + "\n".join(lines) + "\n")
    return path


def test_the_list_shows_no_key(tmp_path: Path) -> None:
    path = write(tmp_path, "https://events.pagerduty.com", "https://bus.example")
    left = call("pagers", "list", "--pagers", str(path))
    assert left.code == 0
    assert left.out.splitlines()[-1] == "2 pagers"
    assert ROUTING not in left.out + call("pagers", "list", "--pagers", str(path), "--json").out


def test_a_test_page_tells_what_each_answered_and_leaves_with_5_when_one_did_not(written: Tiny, tmp_path: Path) -> None:
    with Receiver(202) as pd, Receiver(500) as bus:
        path = write(tmp_path, pd.url, bus.url)
        left = verb(written, "pagers", "test", "--pagers", str(path))
        assert left.code == 5
        assert left.out.splitlines() == ["ok  p0 (pagerduty): it answered 202", "NO  p1 (cloudevents): it answered 500"]
        events = [valid_event(one.body) for one in pd.took]
        assert [one.event_action for one in events] == ["trigger", "resolve"]  # nobody has to clean up
        assert {one.dedup_key for one in events} == {"tiny-triage/*/test"}
        assert events[0].payload is not None
        assert events[0].payload.severity == "info"
        alone = verb(written, "pagers", "test", "--pagers", str(path), "--name", "p0", "--json")
        assert (alone.code, json.loads(alone.out)["answers"][0]["ok"]) == (0, True)
        assert ROUTING not in left.out + left.err


@pytest.mark.parametrize(
    ("args", "code"),
    [(("test", "--name", "nobody"), 2), (("list",), 0)],
)
def test_a_name_that_none_has_is_a_usage_error(written: Tiny, tmp_path: Path, args: tuple[str, ...], code: int) -> None:
    path = write(tmp_path, "https://events.pagerduty.com")
    left = verb(written, "pagers", *args, "--pagers", str(path))
    assert left.code == code


def test_a_faulty_file_is_told_with_its_line_and_a_key_that_is_open_is_refused(written: Tiny, tmp_path: Path) -> None:
    path = write(tmp_path, "http://events.pagerduty.com")
    left = verb(written, "pagers", "list", "--pagers", str(path))
    assert (left.code, "pagers.yaml:2:" in left.err) == (3, True)
    path = write(tmp_path, "https://events.pagerduty.com")
    (tmp_path / "pd.key").chmod(0o644)
    left = verb(written, "pagers", "list", "--pagers", str(path))
    assert (left.code, "chmod 600" in left.err) == (4, True)
    assert verb(written, "serve", "--pagers", str(path), "--port", "0").code == 4


def test_the_warning_of_a_site_without_pagers_is_the_first_line_of_the_status(shipped: Tiny) -> None:
    assert not verb(shipped, "status").out.startswith("WARNING")
    store = shipped.workspace.store()
    store.put(WARNED_AS, NOBODY.encode())
    store.close()
    assert verb(shipped, "status").out.startswith(f"WARNING: {NOBODY}\nepoch ")
    assert json.loads(verb(shipped, "status", "--json").out)["warning"] == NOBODY


def test_nothing_is_owed_by_a_site_that_paged_nobody(shipped: Tiny) -> None:
    left = verb(shipped, "pagers", "owed")
    assert (left.code, left.out) == (0, "0 pages\n")
