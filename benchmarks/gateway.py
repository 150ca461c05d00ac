"""Claim: the gateway's bare path costs less than Envoy's, and what a whole decision adds to it is told.

CPU microseconds a request of the whole server process (user and system, from the system's own counters), at 32
connections, in interleaved rounds against one model process that answers at once: Envoy with one worker thread, nginx
with one worker when it is installed, MLServer with a model in its own process that costs nothing, our bare path (server
and client), our full decision path without and with the out-of-distribution score. The full path is a real site of a
real release under a rollout: kill switch and posture read, throttle, arm, thresholds, never events, receipt, windows
and abuse counters, all in the figure. It costs two to three times Envoy's proxied request.

The load comes from `wrk`; requests a second and latencies belong to the machine and are not shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

from benchmarks import envoy, mlserver
from benchmarks.harness import lined

ROUNDS, SECONDS, CONNECTIONS = 5, 4, 32
SCORE = "0.99"
TICKS = os.sysconf("SC_CLK_TCK")
ROW = {"visit": "v-1", "tenant": "acme", "supplier": "S2", "speed": 18, "age": 50}
_LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local n = 0
request = function()
  n = n + 1
  return wrk.format(nil, nil, nil, string.format([[BODY]], n))
end
done = function(summary, latency, requests)
  local e = summary.errors
  print("errors " .. (e.connect + e.read + e.write + e.status + e.timeout))
end
"""
_NGINX = """
worker_processes 1; daemon off; pid {at}/pid; error_log {at}/log;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;
  uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; keepalive_requests 1000000000;
  upstream model {{ server 127.0.0.1:{model}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://model; proxy_http_version 1.1;
    proxy_set_header Connection ""; }} }} }}
"""


class Server(NamedTuple):
    """A running server: where it listens, the process whose tree is measured, and what it is asked."""

    name: str
    port: int
    pid: int
    path: str = "/decide"
    script: str = "post.lua"


def run() -> str:
    """Return the table."""
    if shutil.which("wrk") is None:
        return "wrk is not installed: nothing was measured"
    with ExitStack() as stack:
        at = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(_child("benchmarks.loopback", SCORE))
        servers = list(_servers(stack, at, model.port))
        for name, body in (("post.lua", {"row": {**ROW, "visit": "v-%d"}}), ("v2.lua", mlserver.BODY)):
            (at / name).write_text(_LUA.replace("BODY", msgspec.json.encode(body).decode()))
        for server in servers:
            _load(server, at, 1)
        rounds = [{server.name: _measured(server, at) for server in servers} for _ in range(ROUNDS)]
        memory = {server.name: _rss(server.pid) for server in servers}
    return _table(rounds, memory)


def _table(rounds: list[dict[str, float]], memory: dict[str, float]) -> str:
    peer = "Envoy" if "Envoy" in rounds[0] else "ours, bare"
    lines = [("server", "CPU µs a request", f"of {peer}", "min–max", "of our bare path", "RSS MiB")]
    for name in rounds[0]:
        of_peer = [one[name] / one[peer] for one in rounds]
        of_bare = median(one[name] / one["ours, bare"] for one in rounds)
        cost = median(one[name] for one in rounds)
        span = f"{min(of_peer):.2f}–{max(of_peer):.2f}"
        lines.append((name, f"{cost:.1f}", f"{median(of_peer):.2f}", span, f"{of_bare:.2f}", f"{memory[name]:.0f}"))
    return lined(lines, right=(1, 2, 4, 5))


def _servers(stack: ExitStack, at: Path, model: int) -> Iterator[Server]:
    if envoy.binary() is not None:
        held = envoy.config([envoy.cluster("model", model)], envoy.route("model"))
        running = stack.enter_context(envoy.running(held))
        yield Server("Envoy", running.port, running.pid)
    if shutil.which("nginx"):
        yield stack.enter_context(_nginx(at, model))
    if mlserver.binary() is not None:
        port, pid = stack.enter_context(mlserver.running(at / "mlserver"))
        yield Server("MLServer", port, pid, mlserver.PATH, "v2.lua")
    _site(at / "site")
    for role, name in (("bare", "ours, bare"), ("full", "ours, full"), ("ood", "ours, full and OOD")):
        folder = at / role
        shutil.copytree(at / "site", folder)
        child = stack.enter_context(_child("benchmarks.gateway_process", role, str(model), str(folder)))
        yield child._replace(name=name)


def _site(at: Path) -> None:
    """Ship two versions of a tiny model, and roll the second one out to half of everybody's units."""
    from shipworthy.testing.clock import SharedClock
    from tests.flows.tiny import write_tiny

    tiny = write_tiny(at)
    tiny.edit("shipworthy.yaml", "share: 100, tenants: [acme]", 'share: 50, tenants: ["*"]')
    tiny.prepare()
    tiny.ship()
    tiny.clock.advance(3600)
    tiny.release("2", slope=0.51)
    tiny.ship()
    tiny.start("2")
    SharedClock(at / "clock", tiny.clock())


@contextmanager
def _child(module: str, *told: str) -> Iterator[Server]:
    command = [sys.executable, "-m", module, *told]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield Server(module, int(process.stdout.readline()), process.pid)
        finally:
            process.stdin.close()


@contextmanager
def _nginx(at: Path, model: int) -> Iterator[Server]:
    from tests.runtime.served import free_port

    port = free_port()
    (at / "nginx.conf").write_text(_NGINX.format(at=at, model=model, port=port))
    process = subprocess.Popen(["nginx", "-c", str(at / "nginx.conf"), "-p", str(at)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield Server("nginx", port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _measured(server: Server, at: Path) -> float:
    before = _cpu_s(server.pid)
    requests = _load(server, at, SECONDS)
    return (_cpu_s(server.pid) - before) / requests * 1e6


def _load(server: Server, at: Path, seconds: int) -> int:
    """Load one server; return how many requests it answered. Raises SystemExit when one failed."""
    url = f"http://127.0.0.1:{server.port}{server.path}"
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(at / server.script), url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, errors = re.search(r"(\d+) requests in", told), re.search(r"errors (\d+)", told)
    if requests is None or errors is None or int(errors[1]) or "Non-2xx" in told:
        raise SystemExit(f"{server.name} did not answer every request:\n{told}")
    return int(requests[1])


def _tree(pid: int) -> list[int]:
    told = [task.joinpath("children").read_text().split() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [pid, *(below for children in told for child in children for below in _tree(int(child)))]


def _cpu_s(pid: int) -> float:
    """Return user and system seconds of a process and what it started."""
    fields = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in _tree(pid)]
    return sum(int(one[11]) + int(one[12]) for one in fields) / TICKS


def _rss(pid: int) -> float:
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in _tree(pid))
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
