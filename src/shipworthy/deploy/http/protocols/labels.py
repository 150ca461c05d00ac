"""`POST /labels`: labels that come late; each finds its decision by the receipt it brings.

In: one label or a list. Out: a status for each, and how many receipts were not ours: each is refused by itself and
spoils no other.
"""

from __future__ import annotations

from shipworthy.deploy.body import LabelIn, read_labels
from shipworthy.deploy.http.protocols.intake import Asked
from shipworthy.deploy.http.wire import Response, Scope, encode
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.receipt import BadReceipt, unseal
from shipworthy.facts import AbuseKind


class Labels:
    """Takes labels in."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def post(self, scope: Scope, asked: Asked) -> Response:
        """Answer `{"status"}` or `{"error"}` (400) for one label, `{"results": [...]}` in order for a list."""
        labels = read_labels(asked.body)
        several = isinstance(labels, list)
        results = [await self._taken(one) for one in (labels if isinstance(labels, list) else [labels])]
        forged = sum("error" in one for one in results)
        if forged:
            asked.abuse, asked.abuses = AbuseKind.FORGED_RECEIPT, forged
        if several:
            return Response(200, encode({"results": results}), [])
        return Response(400 if forged else 200, encode(results[0]), [])

    async def _taken(self, one: LabelIn) -> dict[str, str]:
        try:
            receipt = unseal(self._wiring.mac_key, one.receipt)
        except BadReceipt as error:
            return {"error": str(error)}
        return {"status": await self._wiring.on_label(receipt, int(one.label))}
