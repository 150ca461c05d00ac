"""Assistants from a command: real processes, started, asked, ended with all they started."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shipworthy.errors import Unreachable
from shipworthy.facts import Conversation, Message
from shipworthy.models.assistant import AssistantProcess
from shipworthy.models.chat import ChatClient

SERVE = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
begun = time.time()
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if time.time() - begun < 0.3 else 404); self.send_header("Content-Length", "0")
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        told = json.dumps({"choices": [{"message": {"content": json.dumps([dict(os.environ), os.getcwd()])}}]}).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(told))); self.end_headers()
        self.wfile.write(told)
    def log_message(self, *a): pass
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
ASKED = Conversation(messages=(Message(role="user", content="x"),))


def process(folder: Path, code: str, wait_s: float = 30.0) -> AssistantProcess:
    (folder / "serve.py").write_text(code)
    return AssistantProcess(("python", "serve.py", "{port}"), folder, folder / "logs" / "log", wait_s)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_is_asked_once_it_is_ready_and_sees_no_variable_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWORTHY_TOKEN", "secret")
    one = process(tmp_path, SERVE)
    begun = time.monotonic()
    one.start()
    try:
        assert time.monotonic() - begun >= 0.3
        reply = ChatClient(url=f"http://127.0.0.1:{one.port}/v1", model="x")([ASKED])[0]
    finally:
        one.stop()
    assert reply is not None
    assert "secret" not in reply.text
    assert str(tmp_path) in reply.text
    assert gone(one.pid)
    one.stop()


def test_what_it_started_is_ended_with_it(tmp_path: Path) -> None:
    code = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    one = process(tmp_path, f"{code}open('child', 'w').write(str(child.pid))\n{SERVE}")
    one.start()
    child = int((tmp_path / "child").read_text())
    assert not gone(child)
    one.stop()
    until = time.monotonic() + 30
    while not gone(child) and time.monotonic() < until:
        time.sleep(0.01)
    assert gone(child) or "Z" in Path(f"/proc/{child}/stat").read_text()


@pytest.mark.parametrize(
    ("code", "wait_s", "told"),
    [
        ("import sys; sys.exit('no weights here')", 30.0, "no weights here"),
        ("import time; time.sleep(60)", 0.5, "does not answer on the port after 0.5 s"),
    ],
)
def test_one_that_does_not_come_up_says_why_and_leaves_nothing_behind(
    tmp_path: Path, code: str, wait_s: float, told: str
) -> None:
    one = process(tmp_path, code, wait_s)
    with pytest.raises(Unreachable, match=told):
        one.start()
    assert gone(one.pid)


def test_a_command_that_is_none_is_told(tmp_path: Path) -> None:
    one = AssistantProcess(("no-such-program", "{port}"), tmp_path, tmp_path / "log")
    with pytest.raises(Unreachable, match="no-such-program"):
        one.start()
    one.stop()
    assert one.pid == 0
