"""MLServer as a peer: a model that costs nothing, served by the Open Inference Protocol V2.

In: `SHIPWORTHY_PEERS`, a folder that holds `mlserver`, an environment with that package. Out: where it listens and its
process. One row of three numbers is asked, one score comes back: what remains is the cost of serving.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 60.0
PATH = "/v2/models/m/infer"
BODY = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [18.0, 50.0, 1.0]}]}
_MODEL = """
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput


class Made(MLModel):
    async def load(self):
        return True

    async def predict(self, asked):
        score = ResponseOutput(name="score", shape=[1], datatype="FP64", data=[0.99])
        return InferenceResponse(model_name=self.name, outputs=[score])
"""


def binary() -> Path | None:
    """Return the MLServer of `$SHIPWORTHY_PEERS/mlserver`, None when there is none."""
    found = Path(os.environ.get("SHIPWORTHY_PEERS", "/nowhere")) / "mlserver" / "bin" / "mlserver"
    return found if found.exists() else None


@contextmanager
def running(at: Path) -> Iterator[tuple[int, int]]:
    """Run it in the folder `at`; return its port and process id. Raises SystemExit when it does not become ready."""
    at.mkdir()
    ports = [_free() for _ in range(3)]
    told = {"host": "127.0.0.1", "http_port": ports[0], "grpc_port": ports[1], "metrics_port": ports[2]}
    (at / "settings.json").write_text(json.dumps(told | {"parallel_workers": 0, "debug": False}))
    (at / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "made.Made"}))
    (at / "made.py").write_text(_MODEL)
    with (at / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(binary()), "start", str(at)], cwd=at, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(at)}
        )
    try:
        _wait(process, ports[0], at / "log")
        yield ports[0], process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/m/ready", timeout=1):
                return
        except OSError:  # it does not listen yet
            time.sleep(0.1)
    raise SystemExit(f"MLServer did not become ready:\n{log.read_text()[-2000:]}")


def _free() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
