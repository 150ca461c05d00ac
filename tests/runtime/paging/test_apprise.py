"""The real apprise: a webhook, Slack's own plugin and mail, each heard on the loopback; without it one clear line."""

from __future__ import annotations

import asyncio
import email
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from shipworthy.errors import UsageError
from shipworthy.respond.pages.page import Phase
from shipworthy.runtime.paging import notify
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.post import Answer
from shipworthy.runtime.paging.speech import speak_to
from shipworthy.testing.clock import HandClock
from tests.respond.pages.made import page
from tests.runtime.paging.receivers import Receiver

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules that apprise imports
here = pytest.mark.skipif(find_spec("apprise") is None, reason="apprise is not installed (the extra `notify`)")


class _Smtp(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a mail needs."""

    def handle(self) -> None:
        """Take one mail."""
        self._say("220 loopback")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                self._say("250 loopback")
            elif verb == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines))  # type: ignore[attr-defined]
                self._say("250 taken")
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def mailbox() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server on the loopback: its port, and the mails it took."""
    mails: list[bytes] = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp) as server:
        server.mails = mails  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield int(server.server_address[1]), mails
        server.shutdown()
        thread.join()


def address(url: str) -> str:
    return url.removeprefix("http://")


def send(tmp_path: Path, *addresses: str) -> Answer:
    """Send a page by the pager that holds these addresses in its key file."""
    path = tmp_path / "people"
    path.touch(0o600)
    path.write_text("\n".join(addresses) + "\n")
    pager = Pager(name="people", kind="apprise", key_file=str(path))
    return asyncio.run(speak_to(pager, HandClock(), 5.0)(page(), None))


@here
def test_a_webhook_hears_title_body_and_kind(tmp_path: Path) -> None:
    with Receiver(200) as receiver:
        assert send(tmp_path, f"json://{address(receiver.url)}/in").taken
        (took,) = receiver.took
    assert took.json["title"] == "SEV2 tiny-triage: supplier=S2 of version 2 in safe mode"
    assert took.json["message"].startswith(page().confirm)
    assert took.json["type"] == "failure"


@here
def test_slack_hears_it_by_its_own_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.slack import NotifySlack  # type: ignore[import-not-found,import-untyped,unused-ignore]

    tokens = "T1JJ3T3L2", "A1BRTD4JD", "TIiajkdnlazkcOXrIdevi7FQ"
    with Receiver(200) as receiver:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{receiver.url}/services")  # only where it is sent
        send(tmp_path, f"slack://{'/'.join(tokens)}/#oncall")
        (took,) = receiver.took
    assert took.path == f"/services/{'/'.join(tokens)}"
    assert took.json["channel"] == "#oncall"
    said = str(took.json["attachments"])
    assert page().command in said
    assert page().confirm in said


@here
def test_a_mail_comes_with_the_thing_to_confirm(tmp_path: Path) -> None:
    with mailbox() as (port, mails):
        answer = send(tmp_path, f"mailto://127.0.0.1:{port}?from=site@example.org&to=oncall@example.org&format=text")
        assert answer.taken
        (mail,) = mails
    told = email.message_from_bytes(mail)
    assert told["subject"].startswith("SEV2 tiny-triage")
    body = next(part for part in told.walk() if part.get_content_type() == "text/plain").get_payload(decode=True)
    assert isinstance(body, bytes)
    assert page().command.encode() in body


@here
def test_one_address_that_fails_is_a_failure_and_no_address_is_told(tmp_path: Path) -> None:
    with Receiver(200) as good, Receiver(500) as bad:
        answer = send(tmp_path, f"json://{address(good.url)}", f"json://secret:pass@{address(bad.url)}")
    assert (answer.taken, answer.hopeless) == (False, False)
    assert "secret" not in answer.told


@here
@pytest.mark.parametrize("text", ["nonsense", "slack://"])
def test_an_address_that_apprise_cannot_read_is_hopeless_and_named_by_its_line(tmp_path: Path, text: str) -> None:
    answer = send(tmp_path, "json://127.0.0.1:9/", text)
    assert (answer.hopeless, answer.told) == (True, "apprise cannot read the address on line 2")


@here
def test_the_end_of_a_page_is_a_success(tmp_path: Path) -> None:
    with Receiver(200) as receiver:
        over = page(phase=Phase.RESOLVED, ended="2027-01-04T09:30:00.000000Z")
        assert notify.notify(f"json://{address(receiver.url)}".encode(), over).taken
        assert receiver.took[0].json["type"] == "success"


def test_without_apprise_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UsageError, match="apprise is not installed"):
        notify.load()
    assert notify.notify(b"json://127.0.0.1:9/", page()).told.endswith("pip install 'shipworthy[notify]'")
