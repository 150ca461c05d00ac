"""Labels that come late: each finds its decision by the receipt it brings.

In: one label or a list. Out: a status for each, and how many receipts were not ours: each is refused by itself and
spoils no other.
"""

from __future__ import annotations

from shipworthy.deploy.body import LabelIn
from shipworthy.deploy.http.wire import Response, encode
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.receipt import BadReceipt, unseal


async def take_labels(wiring: Wiring, labels: LabelIn | list[LabelIn]) -> tuple[Response, int]:
    """Return the answer and the number of refused receipts: `{"status"}` or `{"error"}` (400) for one label,
    `{"results": [...]}` in order for a list."""
    if isinstance(labels, list):
        results = [await _taken(wiring, one) for one in labels]
        return Response(200, encode({"results": results}), []), sum("error" in one for one in results)
    result = await _taken(wiring, labels)
    refused = "error" in result
    return Response(400 if refused else 200, encode(result), []), int(refused)


async def _taken(wiring: Wiring, one: LabelIn) -> dict[str, str]:
    try:
        receipt = unseal(wiring.mac_key, one.receipt)
    except BadReceipt as error:
        return {"error": str(error)}
    return {"status": await wiring.on_label(receipt, int(one.label))}
