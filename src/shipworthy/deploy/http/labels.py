"""Labels that come late: each finds its decision by the receipt it brings.

In: one label or a list, and who sends it. Out: a status for each, and how many receipts were not ours, or of a tenant
that the sender's key does not speak for: each is refused by itself and spoils no other.
"""

from __future__ import annotations

from typing import NamedTuple

from shipworthy.deploy.body import LabelIn
from shipworthy.deploy.http.keys import Caller
from shipworthy.deploy.http.wire import Response, encode
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.receipt import BadReceipt, unseal

FOREIGN = "this key does not speak for the receipt's tenant"


class Taken(NamedTuple):
    """The answer, and how many labels were refused for which reason."""

    response: Response
    forged: int
    foreign: int


async def take_labels(wiring: Wiring, labels: LabelIn | list[LabelIn], caller: Caller | None = None) -> Taken:
    """Return the answer and the number of refused receipts: `{"status"}` or `{"error"}` (400) for one label,
    `{"results": [...]}` in order for a list."""
    several = isinstance(labels, list)
    results = [await _taken(wiring, one, caller) for one in (labels if isinstance(labels, list) else [labels])]
    foreign = sum(one.get("error") == FOREIGN for one in results)
    forged = sum("error" in one for one in results) - foreign
    if several:
        return Taken(Response(200, encode({"results": results}), []), forged, foreign)
    return Taken(Response(400 if forged else 403 if foreign else 200, encode(results[0]), []), forged, foreign)


async def _taken(wiring: Wiring, one: LabelIn, caller: Caller | None) -> dict[str, str]:
    try:
        receipt = unseal(wiring.mac_key, one.receipt)
    except BadReceipt as error:
        return {"error": str(error)}
    if caller is not None and not caller.may(receipt.tenant):
        return {"error": FOREIGN}
    return {"status": await wiring.on_label(receipt, int(one.label))}
