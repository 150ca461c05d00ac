"""Building, evaluating and rebuilding hold no key: they work where there is none, and open none where there is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shipworthy.facts import digest
from shipworthy.flows.reproduce import reproduce
from tests.flows.tiny import Tiny

WITHOUT_KEYS: dict[str, Callable[[Tiny], object]] = {
    "build": Tiny.build,
    "evaluate": Tiny.evaluate,
    "reproduce": lambda tiny: reproduce(tiny.workspace, lambda _: None),
    "gate": Tiny.judge,
}
_opened: list[str] = []
_watching: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes):
        name = arguments[0] if isinstance(arguments[0], str) else arguments[0].decode("utf-8", "replace")
        if _watching[-1] in name:
            _opened.append(name)


@contextmanager
def watched(folder: str) -> Iterator[list[str]]:
    """Yield the names below `folder` that this process opens meanwhile (PEP 578 audit events)."""
    if not getattr(sys, "_shipworthy_watch", False):
        sys.addaudithook(_watch)
        sys._shipworthy_watch = True  # type: ignore[attr-defined]
    _opened.clear()
    _watching.append(folder)
    try:
        yield _opened
    finally:
        _watching.pop()


def test_the_watch_sees_a_key_that_is_opened(prepared: Tiny) -> None:
    with watched(str(prepared.workspace.keys)) as opened:
        prepared.sign()
    assert any(name.endswith("signing.pem") for name in opened)


@pytest.mark.parametrize("verb", WITHOUT_KEYS)
def test_no_key_is_opened(prepared: Tiny, verb: str) -> None:
    with watched(str(prepared.workspace.keys)) as opened:
        WITHOUT_KEYS[verb](prepared)
    assert opened == []


@pytest.mark.parametrize("verb", WITHOUT_KEYS)
def test_it_works_where_there_is_no_key_at_all(prepared: Tiny, verb: str) -> None:
    shutil.rmtree(prepared.workspace.home)
    WITHOUT_KEYS[verb](prepared)
    assert not prepared.workspace.home.exists(), "and makes none"


def test_evidence_made_without_keys_is_the_same_evidence(prepared: Tiny) -> None:
    with_keys = prepared.evaluate()
    shutil.rmtree(prepared.workspace.home)
    assert digest(prepared.evaluate()) == digest(with_keys)


def test_a_model_process_is_given_no_variable_of_ours(prepared: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model itself writes what it sees, while it is evaluated."""
    monkeypatch.setenv("SHIPWORTHY_HOME", str(prepared.workspace.home))
    monkeypatch.setenv("SHIPWORTHY_TOKEN", "secret-token")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-cloud")
    seen = prepared.at / "seen.txt"
    prepared.edit(
        "model.py",
        "def score(rows):\n",
        f"import os\nPath({str(seen)!r}).write_text(repr(dict(os.environ)))\n\n\ndef score(rows):\n",
    )
    prepared.build()
    seen.unlink()
    prepared.evaluate()
    told = seen.read_text()
    assert "PATH" in told
    assert "secret" not in told
    assert "SHIPWORTHY" not in told
    assert str(prepared.workspace.home) not in told
