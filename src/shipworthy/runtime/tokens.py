"""Tokens of the API: 256 random bits, shown once, kept as their SHA-256 with a scope and an end (DECISIONS §8).

In: a scope and an end; later what a caller shows. Out: the token, once; later which token it was, or nobody. One file a
token, 0600: deleting it ends the token at once. A file that cannot be read, or does not say all, is no token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import Fact, canonical, parse_segment
from shipworthy.respond.triggers import ACTIONS
from shipworthy.store.failpoints import nothing
from shipworthy.store.instants import instant
from shipworthy.store.safe_files import private_directory, read_plain, write_whole

FOLDER = "tokens"
# gate: reads facts and tells of its verdicts · read: reads facts · rollout: ends a rollout, and reads its analysis
# review: works at the review queue, as the one person it was made for
# trigger: gives orders that tighten, of some actions inside some segment
GATE, READ, ROLLOUT, REVIEW, TRIGGER = "gate", "read", "rollout", "review", "trigger"
SCOPES = (GATE, READ, ROLLOUT, REVIEW, TRIGGER)
MOST = 1_000
_TOKEN = re.compile(r"swt_[A-Za-z0-9_-]{43}")  # 32 bytes in URL-safe base64, without padding
_HASH = re.compile(r"[0-9a-f]{64}")


class Token(Fact, frozen=True, kw_only=True):
    """What is kept of a token. `id` are the first digits of `sha256`, which names it in the ledger.

    Of scope `review`: `person`, who acts by it. Of a trigger: `limit`, the canonical segment (`tenant` one of its keys,
    `*` for everything) that its orders stay inside, and its `actions`. Another token has none of these.
    """

    id: str
    scope: str
    sha256: str
    made_at: str
    expires: str
    person: str = ""
    limit: str = ""
    actions: tuple[str, ...] = ()


def new_token(
    home: Path,
    scope: str,
    made_at: str,
    expires: str,
    limit: str = "",
    actions: tuple[str, ...] = (),
    person: str = "",
) -> tuple[str, Token]:
    """Make a token and keep its hash; return the token itself, for this one time. Raises UsageError."""
    if scope not in SCOPES:
        raise UsageError(f"no scope {scope!r}", "token", f"one of {', '.join(SCOPES)}")
    if (scope == REVIEW) != bool(person):
        raise UsageError("a token of scope review is one person's, every other nobody's", "token", "name the person")
    if fault := _bounds(scope, limit, actions):
        raise UsageError(fault, "token", "such as --limit 'supplier=S2;tenant=acme' --actions degrade,review")
    if not instant(made_at) < instant(expires):
        raise UsageError("a token ends after it was made", "token", "say when, such as 30d")
    shown = f"swt_{secrets.token_urlsafe(32)}"
    hashed = _hashed(shown)
    kept = Token(
        id=hashed[:12],
        scope=scope,
        sha256=hashed,
        made_at=made_at,
        expires=expires,
        person=person,
        limit=limit,
        actions=actions,
    )
    folder = private_directory(private_directory(home) / FOLDER)
    write_whole(folder / f"{kept.id}.json", canonical(kept) + b"\n", nothing)
    return shown, kept


def read_tokens(home: Path) -> tuple[Token, ...]:
    """Return the tokens that are kept. Raises CannotDecide at a file that is none: somebody else wrote there."""
    folder = home / FOLDER
    if not folder.exists():
        return ()
    names = sorted(private_directory(folder).glob("*.json"))
    if len(names) > MOST:
        raise CannotDecide(f"more than {MOST} tokens", str(folder), "delete those that ended")
    return tuple(_read(path) for path in names)


def is_token(text: str) -> bool:
    """True when a text has the form of a token."""
    return bool(_TOKEN.fullmatch(text))


def holder(shown: str, tokens: Iterable[Token], now: str) -> Token | None:
    """Return the token that was shown, None when it is unknown or over. The time it takes tells nothing of the kept."""
    hashed, found = _hashed(shown), None
    for one in tokens:
        if hmac.compare_digest(one.sha256, hashed):
            found = one
    if found is None or not is_token(shown) or not found.made_at <= now < found.expires:
        return None
    return found


def _bounds(scope: str, limit: str, actions: tuple[str, ...]) -> str:
    """Return why these are no bounds for a token of that scope, "" when they are."""
    if scope != TRIGGER:
        return "only a trigger has a limit and actions" if limit or actions else ""
    if not limit or not actions:
        return "a trigger has a limit and actions"
    unknown = [action for action in actions if action not in ACTIONS]
    if unknown or len(set(actions)) != len(actions):
        return f"actions are some of {', '.join(ACTIONS)}, each once"
    try:
        parse_segment(limit)
    except ValueError as problem:
        return str(problem)
    return ""


def _hashed(shown: str) -> str:
    return hashlib.sha256(shown.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> Token:
    try:
        token = msgspec.convert(loads(read_plain(path), str(path)), Token, strict=True)
        whose = (token.scope == REVIEW) == bool(token.person) and not _bounds(token.scope, token.limit, token.actions)
        known = token.scope in SCOPES and whose and _HASH.fullmatch(token.sha256) and token.id == token.sha256[:12]
        if not known or not instant(token.made_at) < instant(token.expires):
            raise CannotDecide("not a token of ours", str(path), "delete it")
    except (msgspec.ValidationError, UsageError) as problem:
        raise CannotDecide(f"not a token: {problem}", str(path), "delete it") from problem
    return token
