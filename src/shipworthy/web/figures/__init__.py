"""The figures of a rollout, one a file: each takes what was recorded and returns a `<figure>`.

Those of the traffic share one time axis, those of the orders and the ledger another, which may run for longer: what
happened at once stands at the same place in both.
"""
