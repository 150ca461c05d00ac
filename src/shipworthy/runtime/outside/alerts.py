"""`POST /hooks/alertmanager`: Alertmanager's webhook, by which an alert degrades a segment, asks people, or kills.

In: requests with a bearer token of scope `trigger`. Out: orders, and an answer that says what became of each alert. The
token is asked for before the body is read, but by the worker that hands a request on, which reads it whole, in as
little time and of no more size; each token has a rate of its own; bodies, alerts in one and orders in all are bounded.
An alert without the label `shipworthy_action` is not for us. What is refused is counted in the abuse log; what acts is
an order in the ledger; the end of an alert is a note there and changes nothing.

Source: prometheus/alertmanager notify/webhook/webhook.go and template.Data: `version` "4", `alerts`, `truncatedAlerts`;
fields of later versions are not ours to refuse.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.deploy.abuse import UNWATCHED, OnAbuse
from shipworthy.deploy.http.peer import peer_of
from shipworthy.deploy.http.wire import (
    Receive,
    Refusal,
    Response,
    Scope,
    Send,
    encode,
    error,
    header,
    read_body,
    respond,
)
from shipworthy.deploy.throttle import Gcra
from shipworthy.errors import CannotDecide, ShipworthyError
from shipworthy.facts import MISSING, AbuseKind, Held, RuntimeState
from shipworthy.respond.triggers import LABEL, Known, Refused, Trigger, beyond, order_of, placed, read_trigger
from shipworthy.runtime.token_folder import TokenFolder
from shipworthy.runtime.tokens import TRIGGER, Token
from shipworthy.store.instants import rfc3339

PATH: Final = "/hooks/alertmanager"
MOST_BYTES: Final = 1 << 20
MOST_ALERTS: Final = 1_000
MOST_TOLD: Final = 20
BODY_WITHIN_S: Final = 5.0
_log = logging.getLogger("shipworthy.alerts")


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a webhook; what else it holds is not ours."""

    status: str
    labels: dict[str, str]
    startsAt: str = ""
    fingerprint: str = ""


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook."""

    version: str
    alerts: list[Alert]
    truncatedAlerts: int = 0


class Rate(NamedTuple):
    """How often one token may ask."""

    rate_per_s: float = 1.0
    burst: int = 30


class Acting(Protocol):
    """What an order needs of the site."""

    def known(self) -> Known: ...
    def state(self) -> RuntimeState: ...
    def place(self, held: Held, slo: str) -> str: ...
    def gone(self, held: Held, trigger: Trigger, token: str) -> None: ...


class Alerts:
    """The webhook of one site. One event loop."""

    def __init__(
        self,
        home: Path,
        acting: Acting,
        clock: Callable[[], datetime],
        on_abuse: OnAbuse = UNWATCHED,
        rate: Rate = Rate(),  # noqa: B008 - a frozen value
        body_within_s: float = BODY_WITHIN_S,
    ) -> None:
        self._tokens = TokenFolder(home)
        self._acting = acting
        self._clock = clock
        self._on_abuse = on_abuse
        self._rates = Gcra(rate)
        self._within_s = body_within_s
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._response(scope, receive)
        except Refusal as refusal:
            response = error(refusal.status, str(refusal), refusal.headers)
        except ShipworthyError as problem:
            _log.error("%s", problem)
            response = error(503, "the trigger cannot be followed now", [(b"retry-after", b"1")])
        except Exception:
            _log.exception("a trigger failed")
            response = error(500, "the trigger failed; send it again: the same alert orders once")
        await respond(send, response)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        token = await self._token(scope)
        if scope["method"] != "POST":
            raise Refusal(405, "a webhook is posted")
        if not self._rates.admit(token.id, time.monotonic()).ok:
            self._abused(scope, AbuseKind.FLOOD, b"")
            raise Refusal(429, "too many webhooks of this token", [(b"retry-after", b"1")])
        hook = await self._hook(scope, receive)
        told: list[tuple[Alert, tuple[str, str]]] = []
        for alert in hook.alerts:
            told.append((alert, self._follow(scope, token, alert)))
            if told[-1][1][0] == "ordered":
                await asyncio.sleep(0)  # an order takes its time on the disk: requests go between two of them
        became = Counter(became for _, (became, _) in told)
        self.counts.update(became)
        if became["failed"]:  # the others were followed; what is sent again orders once
            raise Refusal(503, f"{became['failed']} alerts cannot be followed now", [(b"retry-after", b"1")])
        if hook.truncatedAlerts:
            self.counts["truncated"] += hook.truncatedAlerts
            _log.warning("%d alerts were cut off before they came here", hook.truncatedAlerts)
        refused = [f"{alert.fingerprint[:40]}: {why}" for alert, (one, why) in told if one == "refused"]
        body: dict[str, Any] = {"version": 1, **became, "why": refused[:MOST_TOLD], "truncated": hook.truncatedAlerts}
        # 403 tells the sender that nothing of it was followed; one alert of many that is not is no reason to send again
        return Response(403 if refused and len(refused) == len(told) else 200, encode(body), [])

    async def _token(self, scope: Scope) -> Token:
        shown = (header(scope, b"authorization") or b"").decode("latin-1")
        token = await asyncio.to_thread(self._tokens.holder, shown.encode("latin-1"), rfc3339(self._clock()))
        if token is not None and token.scope == TRIGGER:
            return token
        self._abused(scope, AbuseKind.BAD_TOKEN, shown.encode("latin-1"))
        if token is None:
            raise Refusal(401, "unauthorised", [(b"www-authenticate", b"Bearer")])
        raise Refusal(403, "forbidden")

    async def _hook(self, scope: Scope, receive: Receive) -> Webhook:
        """Return the body. Raises Refusal for one that is too large, too slow, or can be read in two ways."""
        raw = b""
        try:
            async with asyncio.timeout(self._within_s):
                raw = await read_body(scope, receive, MOST_BYTES, MOST_BYTES)
            hook = msgspec.convert(loads(raw, "webhook"), Webhook)
        except TimeoutError as late:
            raise Refusal(408, "the body did not come in time") from late
        except Refusal:
            self._abused(scope, AbuseKind.MALFORMED, b"")
            raise
        except (CannotDecide, msgspec.ValidationError) as problem:
            self._abused(scope, AbuseKind.MALFORMED, raw)
            raise Refusal(400, f"not a webhook of Alertmanager: {str(problem)[:200]}") from problem
        if hook.version != "4" or len(hook.alerts) > MOST_ALERTS or hook.truncatedAlerts < 0:
            self._abused(scope, AbuseKind.MALFORMED, raw)
            raise Refusal(400, f"a webhook of version 4 with at most {MOST_ALERTS} alerts is read: set max_alerts")
        return hook

    def _follow(self, scope: Scope, token: Token, alert: Alert) -> tuple[str, str]:
        """Follow one alert; return what became of it: `ordered`, `observed`, `known`, `gone`, `other`, `failed` or
        `refused`, and why."""
        if LABEL not in alert.labels:
            return "other", ""
        try:
            known = self._acting.known()
            trigger = read_trigger(alert.labels, alert.fingerprint, alert.startsAt, known)
            if why := beyond(trigger, known.hidden(token.limit), token.actions):
                raise Refused(why, foreign=True)
            if alert.status != "firing":
                return self._ended(token, trigger)
            held = order_of(trigger, token.id, self._acting.state(), self._clock())
            if held is None:
                return "known", ""
            return self._acting.place(held, f"alert:{trigger.name}"), ""
        except Refused as refused:
            kind = AbuseKind.FOREIGN_TENANT if refused.foreign else AbuseKind.MALFORMED
            self._abused(scope, kind, alert.fingerprint.encode("utf-8", "replace"))
            return "refused", str(refused)
        except Exception:  # whatever it is, one alert that cannot be followed keeps no other from its order
            _log.exception("an alert cannot be followed now")
            return "failed", ""

    def _ended(self, token: Token, trigger: Trigger) -> tuple[str, str]:
        held = placed(self._acting.state(), trigger)
        if held is None:
            return "known", ""
        self._acting.gone(held, trigger, token.id)
        return "gone", ""

    def _abused(self, scope: Scope, kind: AbuseKind, raw: bytes) -> None:
        self._on_abuse.refused(kind, MISSING, peer_of(scope), int(self._clock().timestamp() // 60), raw)
