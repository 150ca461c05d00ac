"""The answer to the `web` metric of Argo Rollouts: `GET /rollouts/{model}/analysis?revision=&tenant=`.

In: what stands now, and whose. Out: a status and a body. 200 carries a verdict; anything else is an error there, never
a success: a rollout that is not known must not be judged by another one's numbers. Numbers are always finite.

Source: argo-rollouts metricproviders/webmetric/webmetric.go (a status of 2xx, JSON, `jsonPath`), utils/evaluate.
"""

from __future__ import annotations

from typing import Any

from shipworthy.deploy.routing import chosen
from shipworthy.runtime.outside.seen import Seen

Answer = tuple[int, dict[str, Any]]


def analysis(seen: Seen, model: str, revision: str = "", tenant: str = "") -> Answer:
    """Return status and body. `revision`: the version that is rolled out; `tenant`: one of the stage's.

    404 for another model or revision, and without a rollout.
    """
    rollout = seen.rollout
    if model != seen.model:
        return 404, {"error": f"no model {model!r} here: this is {seen.model}"}
    if rollout is None or (revision and revision != rollout.version):
        return 404, {"error": f"no rollout of {revision!r}" if revision else "no rollout"}
    found = seen.verdict(rollout)
    word, reasons = found.verdict, list(found.reasons)
    if word != "fail" and seen.closed:
        word, reasons = "fail", [f"version {rollout.version} is closed by an order", *reasons]
    if word == "pass" and tenant and rollout.status != "completed" and not chosen(rollout.tenants, tenant):
        word, reasons = "inconclusive", [f"tenant {tenant!r} is not in this stage", *reasons]
    told = {
        "verdict": word,
        "score": found.score,
        "samples": found.samples,
        "minSamples": found.min_samples,
        "reasons": reasons,
        "epoch": seen.epoch,
    }
    return 200, {"data": told}
