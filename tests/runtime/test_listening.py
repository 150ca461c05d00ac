"""Where a gateway listens: what others reach needs TLS and keys; certificates are checked and followed."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shipworthy.deploy.http.door import Bounds
from shipworthy.deploy.http.wire import Response, respond
from shipworthy.errors import UsageError
from shipworthy.flows.keys import make_api_key
from shipworthy.runtime.certificates import Certificates, Tls
from shipworthy.runtime.listening import Server, bind, check_address, config, is_loopback
from tests.cli.calls import verb
from tests.deploy.kit import eventually
from tests.flows.tiny import Tiny
from tests.runtime.served import free_port

QUICK = Bounds(header_s=0.4)


def pair(folder: Path, serial: int = 1, password: bytes | None = None) -> Tls:
    """Write a certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    tls = Tls(folder / "site.crt", folder / "site.key")
    tls.cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    tls.key.touch(mode=0o600)
    tls.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, locked))
    return tls


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, Response(200, b'"hello"', []))


@contextmanager
def serving(tls: Tls | None) -> Iterator[tuple[Server, int]]:
    bound = bind("127.0.0.1", 0)
    port = int(bound.getsockname()[1])
    said: list[str] = []
    server = Server(config(hello, tls=tls, bounds=QUICK), said.append)

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([bound]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert eventually(lambda: bool(said))
    assert said == [f"{'https' if tls else 'http'}://127.0.0.1:{port}"]
    try:
        yield server, port
    finally:
        server.leave()
        thread.join(20)
        assert not thread.is_alive()


def serial(port: int, tls: Tls) -> int:
    """Return the serial number of the certificate that is served."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 20) as raw, context.wrap_socket(raw) as one:
        shown = one.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def test_a_client_that_checks_the_certificate_is_answered(tmp_path: Path) -> None:
    tls = pair(tmp_path)
    context = ssl.create_default_context(cafile=str(tls.cert))
    with serving(tls) as (_, port), urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context) as answer:
        assert answer.read() == b'"hello"'


def test_old_versions_of_tls_are_refused(tmp_path: Path) -> None:
    context = Certificates(pair(tmp_path)).context
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(tmp_path: Path) -> None:
    tls = pair(tmp_path, serial=1)
    with serving(tls) as (_, port):
        assert serial(port, tls) == 1
        pair(tmp_path, serial=2)
        assert eventually(lambda: serial(port, tls) == 2)
        tls.cert.write_text("no certificate")
        os.utime(tls.cert, (1, 1))
        pair(tmp_path / "..", serial=3)  # somewhere else
        assert serial(port, tls) == 2
        tls.key.unlink()
        assert serial(port, tls) == 2
        pair(tmp_path, serial=4)
        assert eventually(lambda: serial(port, tls) == 4)


def test_a_handshake_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with serving(pair(tmp_path)) as (_, port):
        with socket.create_connection(("127.0.0.1", port), 20) as silent:
            assert silent.recv(10) == b""
        assert serial(port, Tls(tmp_path, tmp_path)) == 1


def opened(tls: Tls) -> None:
    tls.key.chmod(0o640)


def mixed(tls: Tls) -> None:
    before = tls.key.read_bytes()
    pair(tls.key.parent)
    tls.key.write_bytes(before)


def gone(tls: Tls) -> None:
    tls.cert.unlink()


def a_folder(tls: Tls) -> None:
    tls.key.unlink()
    tls.key.mkdir()


def encrypted(tls: Tls) -> None:
    pair(tls.key.parent, password=b"secret")


@pytest.mark.parametrize(
    ("change", "told"),
    [(opened, "others may read"), (mixed, "not a certificate with its key"), (gone, "cannot be read"),
     (a_folder, "not a file"), (encrypted, "encrypted")],
)  # fmt: skip
def test_a_pair_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, change: Callable[[Tls], None], told: str
) -> None:
    tls = pair(tmp_path)
    change(tls)
    with pytest.raises(UsageError, match=told) as problem:
        Certificates(tls)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_an_address_that_others_reach_needs_tls_and_keys(host: str) -> None:
    tls = Tls(Path("c"), Path("k"))
    for given, keys in ((None, False), (None, True), (tls, False)):
        with pytest.raises(UsageError, match="others reach"):
            check_address(host, given, keys)
    check_address(host, tls, has_keys=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_this_machine_alone_needs_neither(host: str) -> None:
    assert is_loopback(host)
    check_address(host, None, has_keys=False)


def test_an_address_that_is_taken_is_told_in_one_line() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(UsageError, match="cannot listen"):
        bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UsageError, match="cannot listen"):
        bind("no such host", 0)


WORKER = """
import asyncio, os, signal, socket, sys
from shipworthy.deploy.http.wire import Response, respond
from shipworthy.runtime.listening import Server, config

async def who(scope, receive, send):
    await respond(send, Response(200, b"%d" % os.getpid(), []))

async def main():
    server = Server(config(who), lambda url: print(url, flush=True))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.leave)
    await server.serve([socket.socket(fileno=int(sys.argv[1]))])

asyncio.run(main())
"""


def test_workers_serve_an_inherited_socket_and_one_that_leaves_loses_nothing() -> None:
    bound = bind("127.0.0.1", 0)
    port = bound.getsockname()[1]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(bound.fileno())],
            pass_fds=[bound.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    def ask() -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            return int(answer.read())

    try:
        for one in workers:
            assert one.stdout is not None
            assert one.stdout.readline() == f"http://127.0.0.1:{port}\n"
        answered = [ask() for _ in range(50)]
        workers[0].send_signal(signal.SIGTERM)
        answered += [ask() for _ in range(300)]
        assert workers[0].wait(20) == 0
        assert {ask() for _ in range(50)} == {workers[1].pid}
        assert set(answered) <= {one.pid for one in workers}
    finally:
        bound.close()
        for one in workers:
            one.kill()
            one.communicate()


def status(url: str, context: ssl.SSLContext) -> int:
    try:
        with urllib.request.urlopen(url, context=context, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


@pytest.mark.slow
def test_the_verb_serves_over_tls_to_who_has_a_key_and_drains(shipped: Tiny, tmp_path: Path) -> None:
    tls = pair(tmp_path)
    make_api_key(shipped.workspace, "acme", "30d")
    port, here = free_port(), shipped.workspace
    words = ["--root", str(here.root), "--home", str(here.home), "serve", "--host", "0.0.0.0", "--port", str(port)]
    files = ["--tls-cert", str(tls.cert), "--tls-key", str(tls.key)]
    process = subprocess.Popen([sys.executable, "-m", "shipworthy", *words, *files], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert f"on https://0.0.0.0:{port}" in process.stderr.readline()
        context = ssl.create_default_context(cafile=str(tls.cert))
        assert [status(f"https://127.0.0.1:{port}/v2{path}", context) for path in ("", "/health/ready")] == [401, 200]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--host", "0.0.0.0"], "others reach"),
        (["--tls-cert", "x.crt"], "go together"),
        (["--tls-cert", "x.crt", "--tls-key", "x.key"], "cannot be read"),
    ],
)
@pytest.mark.slow
def test_the_verb_refuses_in_one_line(shipped: Tiny, more: list[str], told: str) -> None:
    left = verb(shipped, "serve", "--port", "0", *more)
    assert left.code == 2
    assert told in left.err
    assert "Traceback" not in left.err
