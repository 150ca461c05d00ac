"""Versions that are computed by somebody else's server: how they are named, reached, and told apart."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shipworthy.errors import ModelBroke, Unreachable, UsageError
from shipworthy.runtime.models import Models
from shipworthy.runtime.upstreams import Elsewhere, dialect_of, read_upstream, read_upstreams, scores_of
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, wait_until

NUMBERS = (("amount", "float"), ("age", "int"))
MLSERVER = Path(os.environ.get("SHIPWORTHY_PEERS", "/nowhere")) / "mlserver" / "bin"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "2=v2+http://127.0.0.1:9000/v2/models/m",
            Elsewhere(version="2", kind="v2", host="127.0.0.1", port=9000, path="/v2/models/m"),
        ),
        (
            "2.1=v2+http://[::1]:80/v2/models/m/versions/3/?output=proba&column=1&inputs=columns",
            Elsewhere(
                version="2.1", kind="v2", host="::1", port=80, path="/v2/models/m/versions/3", output="proba",
                column=1, inputs="columns",
            ),
        ),
        ("a=mlflow+http://host:5001", Elsewhere(version="a", kind="mlflow", host="host", port=5001)),
        (
            "a=mlflow+http://host:5001/x/?output=score",
            Elsewhere(version="a", kind="mlflow", host="host", port=5001, path="/x", output="score"),
        ),
    ],
)  # fmt: skip
def test_a_text_names_a_version_and_its_server(text: str, told: Elsewhere) -> None:
    assert read_upstream(text) == told


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not a version"), ("2", "not a version"), ("=v2+http://h:1/v2/models/m", "not a version"),
        (" 2=v2+http://h:1/v2/models/m", "not a version"), ("2=http://h:1/v2/models/m", "not a version"),
        ("2=v2+http://h:1/v2/models/m x", "not a version"), ("2=v2+http://h:1/v2/models/m\r\nx: y", "not a version"),
        ("2=v3+http://h:1/v2/models/m", "no kind"), ("2=v2+https://h:1/v2/models/m", "only http"),
        ("2=v2+http:///v2/models/m", "host and a port"), ("2=v2+http://h/v2/models/m", "host and a port"),
        ("2=v2+http://h:0/v2/models/m", "host and a port"), ("2=v2+http://u:p@h:1/v2/models/m", "nothing secret"),
        ("2=v2+http://h:1/v2/models/m#x", "nothing secret"), ("2=v2+http://h:99999/v2/models/m", "(?i)port"),
        ("2=v2+http://h:1", "names the model"), ("2=v2+http://[h:1/v2/models/m", "IPv6"),
        ("2=v2+http://h:1/v2/models/m?colum=1", "unknown option 'colum'"),
        ("2=mlflow+http://h:1?inputs=matrix", "unknown"),
        ("2=v2+http://h:1/v2/models/m?column=-1", "from 0"), ("2=v2+http://h:1/v2/models/m?column=", "from 0"),
        ("2=v2+http://h:1/v2/models/m?column=1&column=0", "twice"), ("2=v2+http://h:1/v2/models/m?column", "bad query"),
        ("2=v2+http://h:1/v2/models/m?inputs=rows", "matrix or columns"),
    ],
)  # fmt: skip
def test_what_names_nothing_is_told_in_one_line(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        read_upstream(text)
    assert "\n" not in str(caught.value)
    assert "VERSION=v2+http" in str(caught.value)


def test_a_version_is_named_once() -> None:
    one, two = "1=mlflow+http://h:1", "2=mlflow+http://h:2"
    assert set(read_upstreams([one, two])) == {"1", "2"}
    with pytest.raises(UsageError, match="named twice"):
        read_upstreams([one, two, "1=mlflow+http://h:3"])


def test_a_text_fits_in_no_matrix() -> None:
    one = read_upstream("2=v2+http://h:1/v2/models/m?inputs=matrix")
    with pytest.raises(UsageError, match="supplier"):
        dialect_of(one, (("supplier", "category"),))


class Handler(BaseHTTPRequestHandler):
    """A V2 and an MLflow server whose score is the amount in thousandths."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(200 if self.path.endswith(("/v2/health/ready", "/ping")) else 404, b"\n")

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/invocations"):
            scores = [(row[0] or 0) / 1000 for row in asked["dataframe_split"]["data"]]
            return self._say(200, json.dumps({"predictions": [[1 - one, one] for one in scores]}).encode())
        if self.path != "/v2/models/m/infer":
            return self._say(404, b'{"error":"no such model"}')
        (tensor,) = asked["inputs"]
        n, width = tensor["shape"]
        told = {
            "name": "p",
            "datatype": "FP64",
            "shape": [n, 1],
            "data": [one / 1000 for one in tensor["data"][::width]],
        }
        return self._say(200, json.dumps({"outputs": [told]}).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return None


@contextmanager
def serving() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("kind", ["v2+http://127.0.0.1:{}/v2/models/m", "mlflow+http://127.0.0.1:{}"])
def test_many_rows_are_scored_in_order(kind: str) -> None:
    with serving() as port:
        one = read_upstream("2=" + kind.format(port))
        asked = [float(i % 1000) for i in range(1300)]
        assert scores_of(one, NUMBERS, [[amount, 3] for amount in asked]) == [amount / 1000 for amount in asked]


def test_a_server_that_has_no_such_model_broke_and_one_that_is_not_there_is_unreachable() -> None:
    with serving() as port:
        with pytest.raises(ModelBroke, match="status 404"):
            scores_of(read_upstream(f"2=v2+http://127.0.0.1:{port}/v2/models/other"), NUMBERS, [[1.0, 2]])
        with pytest.raises(ModelBroke, match="outside 0 to 1"):
            scores_of(read_upstream(f"2=v2+http://127.0.0.1:{port}/v2/models/m"), NUMBERS, [[1001.0, 2]])
    with pytest.raises(Unreachable):
        scores_of(read_upstream(f"2=v2+http://127.0.0.1:{port}/v2/models/m"), NUMBERS, [[1.0, 2]])


@pytest.mark.slow
def test_a_version_of_the_table_is_computed_elsewhere_and_the_status_says_so(shipped: Tiny) -> None:
    with serving() as port:
        table = read_upstreams([f"1=mlflow+http://127.0.0.1:{port}/first?column=0"])
        with Served(shipped, models=Models(shipped.workspace.home / "logs", table)) as served:
            assert served.decide(speed=18)["route"] == "machine"
            told = served.status()
            assert told["pids"] == {}
            where = f"http://127.0.0.1:{port}/first"
            assert told["upstreams"] == {"1": {"kind": "mlflow", "where": where, "gated": False}}
            wait_until(lambda: served.status()["warm"]["1"]["ready"])
            assert served.status()["circuits"] == {}


@pytest.mark.slow
def test_a_model_of_our_own_is_gated(shipped: Tiny) -> None:
    with Served(shipped) as served:
        told = served.status()
        assert told["upstreams"]["1"]["gated"] is True
        wait_until(lambda: served.status()["warm"]["1"]["silent_s"] is not None)
        assert served.get("/v2/health/ready")[0] == 200


@pytest.mark.slow
def test_a_server_that_is_not_there_is_told_in_one_line(shipped: Tiny) -> None:
    with serving() as port:
        pass
    table = read_upstreams([f"1=mlflow+http://127.0.0.1:{port}"])
    models = Models(shipped.workspace.home / "logs", table, within_s=0.2)
    with pytest.raises(Unreachable, match="not healthy"), Served(shipped, models=models):
        pass


@pytest.mark.slow
@pytest.mark.skipif(not (MLSERVER / "mlserver").exists(), reason="no MLServer in $SHIPWORTHY_PEERS/mlserver")
def test_a_real_mlserver_scores_with_missing_values_and_texts(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text(MADE)
    ports = [free_port() for _ in range(3)]
    told = {"host": "127.0.0.1", "http_port": ports[0], "grpc_port": ports[1], "metrics_port": ports[2]}
    (tmp_path / "settings.json").write_text(json.dumps(told | {"parallel_workers": 0}))
    (tmp_path / "model-settings.json").write_text(json.dumps({"name": "m", "implementation": "made.Made"}))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        command = [str(MLSERVER / "mlserver"), "start", str(tmp_path)]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env=environment)
    try:
        wait_until_ready(process, ports[0], tmp_path / "log")
        url = f"2=v2+http://127.0.0.1:{ports[0]}/v2/models/m"
        matrix = read_upstream(f"{url}?output=proba")
        assert scores_of(matrix, NUMBERS, [[100.0, 3], [None, 3], [900.0, 3]]) == [0.1, 0.0, 0.9]
        columns = read_upstream(f"{url}?output=texts")
        mixed = (("amount", "float"), ("supplier", "category"))
        assert scores_of(columns, mixed, [[100.0, "P01"], [900.0, "P02"], [900.0, None]]) == [0.1, 1.0, 0.9]
        with pytest.raises(ModelBroke, match="INT64"):
            scores_of(read_upstream(f"{url}?output=label"), NUMBERS, [[100.0, 3]])
    finally:
        process.terminate()
        process.wait(20)


MADE = """
import numpy as np
import pandas as pd
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, PandasCodec


class Made(MLModel):
    async def load(self):
        return True

    async def predict(self, asked):
        wanted = asked.outputs[0].name
        if wanted == "texts":
            frame = PandasCodec.decode_request(asked)
            score = np.where(frame["supplier"] == "P02", 1.0, frame["amount"] / 1000)
        else:
            score = np.nan_to_num(NumpyCodec.decode_input(asked.inputs[0])[:, 0] / 1000)
        made = np.column_stack([1 - score, score]) if wanted != "label" else (score > 0.5).astype("int64")
        from mlserver.types import InferenceResponse
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output(wanted, made)])
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/m/ready", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-2000:])
