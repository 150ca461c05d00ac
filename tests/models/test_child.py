"""Model processes: real children, started, asked, killed."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipworthy.errors import Unreachable
from shipworthy.models.child import ModelProcess
from shipworthy.models.client import score_rows
from shipworthy.models.sklearn_model import open_sklearn
from shipworthy.models.spec import Columns, OpenSpec
from shipworthy.models.supervise import pause_s, supervise
from tests.models.conftest import COLUMNS

SPEC = OpenSpec(kind="sklearn", encoding="encoding.json")
PYTHON = OpenSpec(kind="python", entry="rules.py:decide")
ONE: Columns = (("a", "float"),)


@contextmanager
def started(folder: Path, spec: OpenSpec, columns: Columns, log: Path) -> Iterator[ModelProcess]:
    process = ModelProcess(folder, spec, columns, log)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def rules(folder: Path, body: str) -> Path:
    (folder / "rules.py").write_text(body)
    return folder


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def eventually_gone(pid: int, seconds: float = 30.0) -> bool:
    until = time.monotonic() + seconds
    while not gone(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return gone(pid)


@pytest.mark.slow
def test_a_child_scores_as_the_model_does_batch_by_batch(artefact: Path, tmp_path: Path) -> None:
    rows = [[i / 25, i % 2, "P01" if i % 3 else None] for i in range(25)]
    with started(artefact, SPEC, COLUMNS, tmp_path / "log") as process:
        assert process.alive()
        got = score_rows(process.port, rows, batch=7)
        assert got.scores == open_sklearn(artefact, SPEC, COLUMNS)(rows).scores
        assert got.decisions is None
        pid = process.pid
    assert not process.alive()
    assert gone(pid)
    assert sorted(path.name for path in artefact.iterdir()) == ["encoding.json", "model.skops"]


def test_a_child_sees_no_variable_of_ours_and_writes_nothing_into_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWORTHY_HOME", "/secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    (tmp_path / "model").mkdir()
    folder = rules(
        tmp_path / "model",
        "import os, sibling\nprint('said at import')\n"
        "def decide(rows):\n    print('x' * 200_000)\n"
        "    return [{'score': 0.5, 'decision': '|'.join(sorted(os.environ))} for _ in rows]\n",
    )
    (folder / "sibling.py").write_text("")
    (folder / "json.py").write_text("raise RuntimeError('shadowed')")
    with started(folder, PYTHON, ONE, tmp_path / "log") as process:
        decisions = score_rows(process.port, [[1.0]]).decisions
        assert decisions is not None
        seen = set(str(decisions[0]).split("|"))
    assert not [name for name in seen if name.startswith(("SHIPWORTHY", "AWS", "PYTHON"))]
    assert {"PATH", "OMP_NUM_THREADS"} <= seen
    assert not (folder / "__pycache__").exists()
    assert "said at import" in (tmp_path / "log").read_text()


def test_a_model_that_raises_is_a_500_and_goes_on(tmp_path: Path) -> None:
    folder = rules(tmp_path, "def decide(rows):\n    return [{'score': 1 / r['a']} for r in rows]\n")
    with started(folder, PYTHON, ONE, tmp_path / "log") as process:
        with pytest.raises(Unreachable, match="ZeroDivisionError"):
            score_rows(process.port, [[0.0]])
        assert score_rows(process.port, [[4.0]]).scores == [0.25]
    assert "ZeroDivisionError" in (tmp_path / "log").read_text()


def test_a_child_cannot_take_more_memory_than_it_was_given(tmp_path: Path) -> None:
    folder = rules(tmp_path, "def decide(rows):\n    return [{'score': len(bytearray(2 << 30)) * 0.0}]\n")
    process = ModelProcess(folder, PYTHON, ONE, tmp_path / "log", memory_bytes=1 << 30)
    process.start()
    try:
        with pytest.raises(Unreachable, match="MemoryError"):
            score_rows(process.port, [[1.0]])
        assert process.alive()
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/health", b"", 200),
        ("POST", "/score", b"{", 400),
        ("POST", "/score", b'{"rows": [[{}]]}', 400),
        ("GET", "/score", b"", 405),
        ("POST", "/elsewhere", b"", 404),
        ("POST", "/score", b"[" * 100_000, 400),
    ],
)
def test_the_child_answers_what_it_knows_and_refuses_the_rest(
    rules_port: int, method: str, path: str, body: bytes, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", rules_port, timeout=10)
    for _ in range(2):  # kept alive
        connection.request(method, path, body)
        response = connection.getresponse()
        assert response.status == status
        assert json.loads(response.read())
    connection.close()


@pytest.fixture(scope="module")
def rules_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = rules(tmp_path_factory.mktemp("rules"), "def decide(rows):\n    return [{'score': 0.5} for _ in rows]\n")
    with started(folder, PYTHON, ONE, folder.parent / "log") as process:
        yield process.port


@pytest.mark.parametrize(
    "head", [b"GET /health\r\n\r\n", b"POST /score HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"POST /score HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 4000],
)  # fmt: skip
def test_a_head_that_cannot_be_read_is_refused_and_the_connection_closed(rules_port: int, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", rules_port), timeout=10) as connection:
        connection.sendall(head)
        received = b""
        while part := connection.recv(65_536):
            received += part
    assert received.startswith(b"HTTP/1.1 4")


def test_a_child_that_cannot_open_its_model_says_why(tmp_path: Path) -> None:
    process = ModelProcess(tmp_path, OpenSpec(kind="python", entry="absent.py:f"), ONE, tmp_path / "log")
    with pytest.raises(Unreachable, match="absent"):
        process.start()
    assert not process.alive()


def test_a_child_that_never_comes_up_is_killed(tmp_path: Path) -> None:
    folder = rules(tmp_path, "import time\ntime.sleep(60)\n")
    process = ModelProcess(folder, PYTHON, ONE, tmp_path / "log", start_timeout_s=1.0)
    with pytest.raises(Unreachable):
        process.start()
    assert gone(process.pid)


def test_killing_takes_the_whole_group_along(tmp_path: Path) -> None:
    body = (
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n"
        "def decide(rows):\n    return [{'score': 0.0, 'decision': str(child.pid)} for _ in rows]\n"
    )
    process = ModelProcess(rules(tmp_path, body), PYTHON, ONE, tmp_path / "log")
    process.start()
    decisions = score_rows(process.port, [[1.0]]).decisions
    assert decisions is not None
    process.kill()
    assert not process.alive()
    assert eventually_gone(int(str(decisions[0])))
    process.stop()


def test_a_child_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    folder = rules(tmp_path, "def decide(rows):\n    return [{'score': 0.5} for _ in rows]\n")
    script = (
        "import pathlib, time\nfrom shipworthy.models.child import ModelProcess\n"
        "from shipworthy.models.spec import OpenSpec\n"
        f"p = ModelProcess(pathlib.Path({str(folder)!r}), OpenSpec(kind='python', entry='rules.py:decide'),"
        f" (('a', 'float'),), pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "p.start()\nprint(p.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
    assert eventually_gone(pid)


def test_a_supervised_process_comes_back_after_it_is_killed(tmp_path: Path) -> None:
    folder = rules(tmp_path, "def decide(rows):\n    return [{'score': 0.5} for _ in rows]\n")
    process = ModelProcess(folder, PYTHON, ONE, tmp_path / "log")
    ports: list[int] = []
    downs: list[str] = []

    async def story() -> None:
        task = asyncio.create_task(supervise(process, ports.append, downs.append, first_s=0.01, poll_s=0.01))
        for wanted in (1, 2):
            while len(ports) < wanted:
                await asyncio.sleep(0.01)
            assert (await asyncio.to_thread(score_rows, ports[-1], [[1.0]])).scores == [0.5]
            if wanted == 1:
                os.kill(process.pid, signal.SIGKILL)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), 30))
    assert downs == ["the model process ended"]
    assert not process.alive()


def test_the_pause_grows_and_has_an_end() -> None:
    pauses = [pause_s(n) for n in range(60)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.0
    assert pauses[-1] == 10.0


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        score_rows(1, [[1.0]])
