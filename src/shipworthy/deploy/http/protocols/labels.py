"""`POST /labels`: labels that come late; each finds its decision by the receipt it brings.

In: one label or a list, and who sends it. Out: a status for each; receipts that are not ours, or of a tenant that the
sender's key does not speak for, are refused each by itself and spoil no other.
"""

from __future__ import annotations

from shipworthy.deploy.body import LabelIn, read_labels
from shipworthy.deploy.http.keys import Caller
from shipworthy.deploy.http.protocols.intake import Asked
from shipworthy.deploy.http.wire import Response, Scope, encode
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.receipt import BadReceipt, unseal
from shipworthy.facts import AbuseKind

LIMITED = "too many labels of this sender: send it again later"
FOREIGN = "this key does not speak for the receipt's tenant"


class Labels:
    """Takes labels in."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    async def post(self, scope: Scope, asked: Asked) -> Response:
        """Answer `{"status"}` or `{"error"}` (400) or 403 for one label, `{"results": [...]}` in order for a
        list."""
        labels = read_labels(asked.body)
        several = isinstance(labels, list)
        results = [await self._taken(one, asked.caller) for one in (labels if isinstance(labels, list) else [labels])]
        foreign = sum(one.get("error") == FOREIGN for one in results)
        limited = sum(one.get("error") == LIMITED for one in results)
        forged = sum("error" in one for one in results) - foreign - limited
        if forged or foreign:
            asked.abuse = AbuseKind.FORGED_RECEIPT if forged else AbuseKind.FOREIGN_TENANT
            asked.abuses = forged or foreign
        if several:
            return Response(200, encode({"results": results}), [])
        if limited:
            return Response(429, encode(results[0]), [(b"retry-after", b"60")])
        return Response(400 if forged else 403 if foreign else 200, encode(results[0]), [])

    async def _taken(self, one: LabelIn, caller: Caller | None) -> dict[str, str]:
        try:
            receipt = unseal(self._wiring.mac_key, one.receipt)
        except BadReceipt as error:
            return {"error": str(error)}
        if caller is not None and not caller.may(receipt.tenant):
            return {"error": FOREIGN}
        status = await self._wiring.on_label(receipt, int(one.label), "" if caller is None else caller.id)
        return {"error": LIMITED} if status == "limited" else {"status": status}
