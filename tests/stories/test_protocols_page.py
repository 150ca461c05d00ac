"""The commands of `docs/how-to/serve-protocols.md`, run against a served site, and what they print."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipworthy.flows import review_queue
from shipworthy.runtime.grpc_door import open_door
from shipworthy.runtime.review import review_of
from tests.flows.tiny import Tiny
from tests.runtime.served import Served

pytestmark = pytest.mark.slow
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "serve-protocols.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
no_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture
def served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as one:
        yield one


def run(script: str, at: Path, port: int, *command: str) -> str:
    text = script.replace("localhost:8080", f"127.0.0.1:{port}").replace("localhost:8081", f"127.0.0.1:{port}")
    ran = subprocess.run([*command, text], cwd=at, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@no_curl
def test_one_row_is_decided_and_one_that_waits_is_looked_for(served: Served, tmp_path: Path) -> None:
    plain, later, look = SHELL[0].splitlines()
    told = json.loads(run(plain, tmp_path, served.port, "sh", "-ec"))
    assert (told["decision"], told["route"]) == ("approve", "machine")
    head, _, body = run(later, tmp_path, served.port, "sh", "-ec").partition("\n\n")
    told = json.loads(body)
    assert head.startswith("HTTP/1.1 202")
    assert f"location: /reviews/{told['receipt']}" in head.splitlines()
    assert (told["decision"], told["route"]) == ("review", "person")
    waits = json.loads(run(look.replace("$RECEIPT", told["receipt"]), tmp_path, served.port, "sh", "-ec"))
    assert (waits["status"], waits["request"], waits["decision"]) == ("waiting", told["request"], None)


@no_curl
def test_mlflow_takes_json_and_csv(served: Served, tmp_path: Path) -> None:
    told = run(SHELL[1], tmp_path, served.port, "sh", "-ec")
    first, rest = json.JSONDecoder().raw_decode(told)
    second = json.loads(told[rest:])
    assert [one["predictions"][0]["decision"] for one in (first, second)] == ["approve", "deny"]


def test_nvidias_client_over_http(served: Served, tmp_path: Path) -> None:
    pytest.importorskip("tritonclient.http", reason="tritonclient is not installed")
    told = run(PYTHON[0], tmp_path, served.port, sys.executable, "-c")
    assert told == "[b'deny' b'approve'] machine,machine\n"


def test_nvidias_client_over_grpc(served: Served, tmp_path: Path) -> None:
    pytest.importorskip("tritonclient.grpc", reason="tritonclient[grpc] is not installed")
    loop = served._loop
    door = asyncio.run_coroutine_threadsafe(open_door(served.site.gateway, "127.0.0.1", 0), loop).result(20)
    try:
        assert run(PYTHON[1], tmp_path, door.port, sys.executable, "-c") == "[b'approve']\n"
    finally:
        asyncio.run_coroutine_threadsafe(door.close(0), loop).result(20)


def test_a_review_is_told_until_a_person_has_decided_and_when_nobody_did(served: Served, shipped: Tiny) -> None:
    told = [served.decide(speed=10, visit=visit) for visit in ("v-1", "v-2")]
    paths = [f"/reviews/{one['receipt']}" for one in told]
    assert [served.get(path)[1]["status"] for path in paths] == ["waiting", "waiting"]
    taken = review_queue.take(shipped.workspace, "ben")
    assert taken is not None
    review_queue.answer(shipped.workspace, taken.item.id, "ben", "deny")
    (mine,) = [path for path, one in zip(paths, told, strict=True) if one["request"] == taken.item.request]
    (other,) = [path for path in paths if path != mine]
    answered = {
        "request": taken.item.request,
        "status": "answered",
        "decision": "deny",
        "deadline": taken.item.deadline,
    }
    assert served.get(mine) == (200, answered)
    served.keep_up(minutes=2)  # counted by the gateway: still the answer
    assert served.get(mine) == (200, answered)
    shipped.clock.advance(8 * 3600)
    status, late = served.get(other)
    assert (status, late["status"], late["decision"]) == (200, "expired", None)
    assert asyncio.run(review_of(served.site.store, shipped.clock, "no such request")) is None


def test_every_path_and_header_of_the_tables_exists(served: Served) -> None:
    table = re.findall(r"^\| `(GET|POST) ([^`]*)`(.*?) \|", PAGE, re.MULTILINE)
    assert len(table) == 7
    version = served.status()["state"]["baseline"]
    filled = {"{model}": "tiny-triage", "{version}": version, "{receipt}": served.decide(speed=10)["receipt"]}
    for method, first, more in table:
        for path in [first, *re.findall(r"`(?:POST )?(/[^`]*)`", more)]:
            asked = path.replace("[/versions/{version}][/ready]", "/versions/{version}/ready")
            for name, value in filled.items():
                asked = asked.replace(name, value)
            posted = method == "POST" or path == "/invocations"
            if path in ("/ping", "/health", "/version"):
                continue  # not JSON: their own test asks them
            status, _ = served.post(asked, {}) if posted else served.get(asked)
            assert status == (400 if posted else 200), path
