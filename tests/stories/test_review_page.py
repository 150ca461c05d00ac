"""The commands of `docs/how-to/review-queue.md`, run on a served site, and what they print."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipworthy.contract.review_queue import ReviewQueue
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.flows.keys import make_token
from shipworthy.store.suspect import LabelSource
from tests.cli.calls import Left, verb
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, claim

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "review-queue.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as one:
        yield one


def doubt(served: Served, visit: str, tenant: str = "acme") -> str:
    told = served.post("/decide", {"row": claim(visit=visit, tenant=tenant, speed=10)})[1]
    assert told["route"] == "person"
    return str(told["request"])


def run(tiny: Tiny, script: str, item: str = "") -> list[Left]:
    made = []
    for line in script.splitlines():
        program, *words = shlex.split(line.replace("$ITEM", item))
        assert program == "shipworthy"
        made.append(verb(tiny, *words))
        assert made[-1].code == 0, (line, made[-1].err)
    return made


def test_an_item_is_taken_given_back_and_answered_by_hand(served: Served) -> None:
    item = doubt(served, "v-1")
    stats, listed, taken, back, again, answered, shown = run(served.tiny, SHELL[0], item)
    assert stats.out.splitlines()[:2] == ["open: 1 item, next deadline 2027-01-04T17:00:00.000000Z", "  acme: 1"]
    assert listed.out.splitlines()[-1] == "1 item"
    assert item in listed.out
    assert taken.out.splitlines()[0] == item
    assert "'speed': 10" in taken.out
    assert back.out == f"{item}: waiting\n"
    assert again.out == taken.out
    assert answered.out == f"{item}: approve\n"
    assert "status: answered" in shown.out
    assert "speed" not in shown.out


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_same_by_http(served: Served, tmp_path: Path) -> None:
    item = doubt(served, "v-1")
    (left,) = run(served.tiny, SHELL[1])
    token = left.out.strip()
    assert token != make_token(served.tiny.workspace, "review", "30d", person="ben")[0]
    script = SHELL[2].replace("localhost:8080", f"127.0.0.1:{served.port}")
    script = script.replace("$TOKEN", token).replace("$ITEM", item)
    told = []
    for line in script.splitlines():
        ran = subprocess.run(["sh", "-ec", line], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
        told.append(json.loads(ran.stdout))
    assert [one["id"] for one in told[0]["items"]] == [item]
    assert told[1]["content"]["row"]["speed"] == 10
    assert (told[2]["item"]["status"], told[2]["item"]["answer"]) == ("answered", "deny")
    assert told[3] == {"item": None}


def test_the_numbers_of_the_page_are_the_defaults() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    told = read_yaml(text, "page").value["review_queue"]
    usual = ReviewQueue()
    assert {key: told[key] for key in ("capacity", "per_tenant", "lease", "leases_per_person", "overflow")} == {
        key: getattr(usual, key) for key in ("capacity", "per_tenant", "lease", "leases_per_person", "overflow")
    }
    assert told["answer_within"] == usual.waits({})


def test_labels_are_listed_released_and_dropped(shipped: Tiny) -> None:
    store = shipped.workspace.store()
    for name in ("tenant acme", "tenant birch"):
        one = LabelSource(version="1", kind="label", source=name, hours=((0, 50, 45),), n=50, flagged_at="2027-01-04")
        store.put_label_source(one)
    store.close()
    listed, released, dropped = run(shipped, SHELL[3])
    assert listed.out.splitlines()[0] == "1  tenant acme: 0 labels held, doubted since 2027-01-04: 45 of 50 against"
    assert (released.out, dropped.out) == ("0 labels released\n", "0 labels dropped\n")
    assert verb(shipped, "labels", "quarantine", "list").out == "nothing is in quarantine\n"
