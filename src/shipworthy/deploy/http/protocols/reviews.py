"""`GET /reviews/{receipt}`: what became of a decision that went to a person.

In: the receipt of the decision; whoever holds it got the answer, so it is all the authority that is asked for. Out: its
state, the deadline and, once a person has decided, the decision. Never who decided, nor anything of the input.
"""

from __future__ import annotations

import msgspec

from shipworthy.deploy.answer import PERSON
from shipworthy.deploy.http.protocols.intake import REVIEWS
from shipworthy.deploy.http.wire import Refusal, Response, encode
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.receipt import BadReceipt, unseal

WAITING = "waiting"
_AGAIN = [(b"retry-after", b"5"), (b"cache-control", b"no-store")]


class Reviews:
    """Tells of reviews."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def look(self, method: str, path: str) -> Response:
        """Answer one look. Raises Refusal: 404 for a receipt that is not ours, or of a decision no person was asked."""
        if method != "GET":
            raise Refusal(405, "this page is only read")
        try:
            receipt = unseal(self._wiring.mac_key, path.removeprefix(REVIEWS))
        except BadReceipt as problem:
            raise Refusal(404, str(problem)) from problem
        told = await self._wiring.review(receipt.request) if receipt.route == PERSON else None
        if told is None:
            raise Refusal(404, "no person was asked, or the review is no longer kept")
        shown = {"request": receipt.request, **msgspec.structs.asdict(told)}
        return Response(200, encode(shown), _AGAIN if told.status == WAITING else [])
