"""Interrupting an evaluation, going on with it, and running it on a Ray cluster."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipworthy.flows.evaluate import Engine, evaluate
from shipworthy.flows.packed import opened_packed, packed
from tests.flows.test_bad_models import folder, with_hidden
from tests.flows.tiny import Tiny

CLUSTER = """
import sys
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


def command(tiny: Tiny) -> list[str]:
    root, home = str(tiny.root), str(tiny.workspace.home)
    return [sys.executable, "-m", "shipworthy", "--root", root, "--home", home, "evaluate"]


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """A run that was started in the background ignores SIGINT, and what it starts inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_an_interrupted_evaluation_goes_on_where_it_stood(prepared: Tiny, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    wait = f"import os, time; [time.sleep(0.01) for _ in iter(lambda: os.path.exists({str(gate)!r}), True)]"
    tiny = with_hidden(prepared, wait)
    with (
        heeding_interrupts(),
        subprocess.Popen(command(tiny), stderr=subprocess.PIPE, text=True, start_new_session=True) as process,
    ):
        assert process.stderr is not None
        for line in process.stderr:
            if "5 of 6 measured" in line:
                break
        os.kill(process.pid, signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(timeout=20) == 130
    assert "run it again to go on" in told
    gate.touch()
    lines: list[str] = []
    evaluate(tiny.workspace, lines.append)
    assert lines == ["6 of 6 measured: shift.hidden"]
    went_on = (folder(tiny) / "evidence.jsonl").read_bytes()
    evaluate(tiny.workspace, lines.append, Engine(fresh=True))
    assert (folder(tiny) / "evidence.jsonl").read_bytes() == went_on
    assert len(lines) == 7


def test_a_packed_repository_opens_to_the_same_bench_elsewhere(prepared: Tiny) -> None:
    contract = prepared.workspace.contract()
    content = packed(prepared.root, contract.files)
    assert content == packed(prepared.root, contract.files)
    with opened_packed(content) as (bench, limit):
        assert bench.subject == prepared.evaluate().subject
        assert limit is not None
        assert len(bench.ask(bench.rows("test"))[0]) == 450


@pytest.mark.slow
def test_a_ray_cluster_shows_the_same_bytes_started_here_or_by_address(prepared: Tiny) -> None:
    pytest.importorskip("ray")
    prepared.evaluate()
    alone = (folder(prepared) / "evidence.jsonl").read_bytes()
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        asked = [*command(prepared), "--engine", "ray", "--workers", "2", "--address", address]
        found = subprocess.run(asked, capture_output=True, text=True, timeout=100, env=environment)
        cluster.stdin.close()
        cluster.wait(timeout=30)
    assert found.returncode == 0, found.stderr[-2000:]
    assert (folder(prepared) / "evidence.jsonl").read_bytes() == alone
    evaluate(prepared.workspace, lambda line: None, Engine(name="ray", workers=2))
    assert (folder(prepared) / "evidence.jsonl").read_bytes() == alone
