"""TLS to pagers: a certificate is verified, by the system's authorities or by those that the pager names."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.post import Answer
from shipworthy.runtime.paging.speech import speak_to
from tests.respond.pages.made import page
from tests.runtime.paging.receivers import Receiver
from tests.runtime.test_listening import pair


def send(pager: Pager) -> Answer:
    return asyncio.run(speak_to(pager, lambda: datetime.now(UTC), 3.0)(page(), None))


def test_a_page_leaves_only_for_whom_its_certificate_shows(tmp_path: Path) -> None:
    tls = pair(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.cert, tls.key)
    with Receiver(200, tls=context) as receiver:
        pager = Pager(name="bus", kind="cloudevents", url=receiver.url)
        refused = send(pager)
        assert (refused.status, refused.taken) == (0, False)
        assert "certificate is not trusted" in refused.told
        assert receiver.took == []
        trusted = Pager(name="bus", kind="cloudevents", url=receiver.url, ca_file=str(tls.cert))
        assert send(trusted).taken
        wrong_name = Pager(
            name="bus", kind="cloudevents", url=receiver.url.replace("127.0.0.1", "localhost"), ca_file=str(tls.cert)
        )
        assert not send(wrong_name).taken
        unreadable = Pager(name="bus", kind="cloudevents", url=receiver.url, ca_file=str(tmp_path / "none"))
        assert "authorities cannot be read" in send(unreadable).told
        assert len(receiver.took) == 1
