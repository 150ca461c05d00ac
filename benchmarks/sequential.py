"""Claim: what is looked at every minute alarms falsely as seldom as it says, and finds a real change in minutes.

Simulated, vectorised over runs, seeds fixed. Four tables. (1) A canary with 20 requests a minute beside 180, looked at
for a day at level .05: a z test peeked at every minute, the same at the end only, the same with Bonferroni's correction
(which needs to know the last look), a beta-binomial e-process that takes the hits as binomial, and `stats.two_arms`.
In the row "moving" both arms have the same rate, which goes from 1 % to 10 % and back while the candidate's share goes
from 2 % to 18 % with it. (2) `stats.change` after a quiet week against an e-process begun with the week, a CUSUM with
one large bet, and a z test over the last hour. (3) Latency: `stats.stochastic_order`, by minutes and from counts since
the start, and the interval of the 95th percentile. (4) The population stability index without drift and with: raw,
beyond its mean, and the KS distance that is proven.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln

from benchmarks.harness import lined
from shipworthy.stats import normal
from shipworthy.stats.cdf_band import ks_lower
from shipworthy.stats.change import ODDS, over_bets, rate_steps, stepped
from shipworthy.stats.noncentral import log_likelihoods, log_sum
from shipworthy.stats.quantile_change import quantile_change
from shipworthy.stats.sequential import multipliers
from shipworthy.stats.stochastic_order import BETS, slower_by
from shipworthy.stats.two_arms import evidence, points

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
States = dict[str, Floats]
Rows = list[tuple[str, ...]]

RUNS, LOOKS, LEVEL = 400, 1440, 0.05
CANDIDATE, BASELINE = 20, 180
Z, Z_BONFERRONI = normal.quantile(1.0 - LEVEL), normal.quantile(1.0 - LEVEL / LOOKS)
WEEK, REQUESTS, NULL = 10_080, 200, 0.01
LATENCY_RUNS, LATENCY_LOOKS = 50, 240
EDGES = np.geomspace(10.0, 5000.0, 41)
NEVER = 10**9


def run() -> str:
    """Return the four tables."""
    return "\n\n".join([_canaries(), _changes(), _latencies(), _stability()])


def _canaries() -> str:
    steady = [(0.02, 0.02), (0.001, 0.001), (0.3, 0.3), (0.02, 0.03), (0.02, 0.04), (0.02, 0.08), (0.3, 0.36)]
    rows: Rows = [("baseline, candidate", "peeked z", "z at the end", "Bonferroni z", "beta-binomial", "two_arms")]
    for seed, (p0, p1) in enumerate(steady):
        rng = np.random.default_rng(seed)
        n1, n0 = np.full((RUNS, LOOKS), CANDIDATE), np.full((RUNS, LOOKS), BASELINE)
        rows.append(_canary(f"{p0:.1%}, {p1:.1%}", n1, rng.binomial(n1, p1), n0, rng.binomial(n0, p0)))
    rng = np.random.default_rng(99)
    wave = 0.5 - 0.5 * np.cos(2.0 * math.pi * np.arange(LOOKS) / LOOKS)
    n1 = np.broadcast_to((4 + 32 * wave).astype(np.int64), (RUNS, LOOKS))
    rate = 0.01 + 0.09 * wave
    rows.append(_canary("moving, equal", n1, rng.binomial(n1, rate), 200 - n1, rng.binomial(200 - n1, rate)))
    return f"Alarms in {RUNS} runs of {LOOKS} looks at level {LEVEL:g}; median minute of the alarm\n" + lined(rows)


def _canary(name: str, n1: Ints, x1: Ints, n0: Ints, x0: Ints) -> tuple[str, ...]:
    c1, h1, c0, h0 = (one.cumsum(axis=1) for one in (n1, x1, n0, x0))
    pooled = (h1 + h0) / (c1 + c0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.nan_to_num((h1 / c1 - h0 / c0) / np.sqrt(pooled * (1.0 - pooled) * (1.0 / c1 + 1.0 / c0)))
    at_end = np.where(z[:, -1] >= Z, LOOKS, NEVER)
    firsts = [_first(z >= Z), at_end, _first(z >= Z_BONFERRONI)]
    firsts.append(_first(_beta_binomial(h1, h1 + h0, c1 / (c1 + c0)) >= -math.log(LEVEL)))
    return (name, *(_told(first) for first in [*firsts, _two_arms(n1, x1, n0, x0)]))


def _beta_binomial(hits: Ints, all_hits: Ints, share: Floats) -> Floats:
    """Bets above the candidate's share of the traffic, prior Beta(10 share, 10 (1 - share)) cut there."""
    a, b, misses = 10.0 * share, 10.0 * (1.0 - share), all_hits - hits
    with np.errstate(divide="ignore"):
        above = np.log(betainc(b + misses, a + hits, 1.0 - share) / betainc(b, a, 1.0 - share))
    mixed = betaln(a + hits, b + misses) - betaln(a, b) + above
    return np.asarray(mixed - hits * np.log(share) - misses * np.log1p(-share))


def _two_arms(n1: Ints, x1: Ints, n0: Ints, x0: Ints) -> Ints:
    """The rule of `two_arms.update`, for all runs; every different minute is computed once."""
    different, which = np.unique(((n1 * 1000 + x1) * 1000 + n0) * 1000 + x0, return_inverse=True)
    ours, our_hits, theirs, their_hits = (different // 1000**place % 1000 for place in (3, 2, 1, 0))
    table = log_likelihoods(ours, our_hits, theirs, their_hits, points(1.0, 1.25))
    firsts = []
    for one in which.reshape(n1.shape):
        worse, _ = evidence(table[one].cumsum(axis=0), 1.0, 1.25)
        firsts.append(_first(worse[None] >= -math.log(LEVEL)))
    return np.concatenate(firsts)


def _changes() -> str:
    rows: Rows = [
        ("1 % a week long, then", "e-process", "CUSUM, one bet", "detector, max", "detector, sum", "z, last hour")
    ]
    quiet = np.random.default_rng(5).binomial(REQUESTS, NULL, (WEEK, RUNS))
    states, alarms = _watched(quiet, None)
    rows.append(("false alarms a week", *(f"{alarms[name].sum() / RUNS:.2f}" for name in alarms)))
    for seed, rate in enumerate((0.015, 0.02, 0.03, 0.1, 0.3)):
        hits = np.random.default_rng(50 + seed).binomial(REQUESTS, rate, (LOOKS, RUNS))
        _, found = _watched(hits, states)
        rows.append((f"{rate:.1%}", *(_told(_first(found[name].T)) for name in found)))
    title = (
        f"After a quiet week at one false page a week, {REQUESTS} requests a minute: found within a day, median delay"
    )
    return f"{title}\n{lined(rows)}"


def _watched(hits: Ints, states: States | None) -> tuple[States, dict[str, NDArray[np.bool_]]]:
    """Walk over minutes x runs; return where the states stand and every alarm. An alarm starts its stream anew."""
    level, runs = 1.0 / WEEK, hits.shape[1]
    begun = {"process": math.log(level), "one": 0.0, "max": -math.inf, "sum": -math.inf}
    now = states or {name: np.full((runs, 1 if name == "one" else len(ODDS)), begun[name]) for name in begun}
    now = {"hour": np.full((60, runs), REQUESTS * NULL), **now}
    miss, hit = (math.log(by) for by in multipliers(NULL))
    spread = math.sqrt(60 * REQUESTS * NULL * (1.0 - NULL))
    alarms = {name: np.zeros(hits.shape, dtype=bool) for name in (*begun, "hour")}
    for minute, found in enumerate(hits):
        steps = rate_steps(REQUESTS, found, NULL)
        now["process"] = now["process"] + steps
        now["one"] = np.maximum(now["one"], 0.0) + (found * hit + (REQUESTS - found) * miss)[:, None]
        now["max"], now["sum"] = stepped(now["max"], steps, level, "max"), stepped(now["sum"], steps, level, "sum")
        now["hour"] = np.concatenate([now["hour"][1:], found[None]])
        alarms["hour"][minute] = (now["hour"].sum(axis=0) - 60 * REQUESTS * NULL) / spread >= Z
        for name in begun:
            needed = -math.log(level) if name == "one" else 0.0
            alarms[name][minute] = over_bets(now[name]) >= needed
            now[name] = np.where(alarms[name][minute][:, None], begun[name], now[name])
    return now, alarms


def _latencies() -> str:
    rows: Rows = [("candidate", "by minutes", "since the start", "interval of the p95")]
    cases = {"the same": (1.0, 0.0), "10 % slower": (1.1, 0.0), "20 % slower": (1.2, 0.0), "50 % slower": (1.5, 0.0)}
    cases |= {"1 in 50 takes 2 s more": (1.0, 0.02)}
    for seed, (name, (factor, stalled)) in enumerate(cases.items()):
        firsts = []
        for at in range(LATENCY_RUNS):
            rng = np.random.default_rng([seed, at])
            theirs = _by_cell(_seconds_taken(rng, BASELINE))
            ours = _seconds_taken(rng, CANDIDATE) * factor
            firsts.append(_latency(_by_cell(ours + 2000.0 * (rng.random(ours.shape) < stalled)), theirs))
        rows.append((name, *(_told(np.array(column)) for column in zip(*firsts, strict=True))))
    title = (
        f"Latency on {EDGES.size + 1} cells, log-normal around 100 ms: alarms in {LATENCY_RUNS} runs of {LATENCY_LOOKS}"
    )
    return f"{title} looks at level {LEVEL:g}; median minute\n{lined(rows)}"


def _seconds_taken(rng: np.random.Generator, requests: int) -> Floats:
    return 100.0 * np.exp(0.6 * rng.standard_normal((LATENCY_LOOKS, requests)))


def _by_cell(taken: Floats) -> Ints:
    """Minutes x requests -> minutes x cells."""
    cells, looks = EDGES.size + 1, taken.shape[0]
    places = np.searchsorted(EDGES, taken) + cells * np.arange(looks)[:, None]
    return np.bincount(places.ravel(), minlength=cells * looks).reshape(looks, cells)


def _latency(ours: Ints, theirs: Ints) -> tuple[int, int, int]:
    """The first look at which each of the three ways alarms."""
    slow1, slow0 = (n - arm.cumsum(axis=1)[:, :-1] for n, arm in ((CANDIDATE, ours), (BASELINE, theirs)))
    log_e = log_likelihoods(CANDIDATE, slow1, BASELINE, slow0, np.log(np.array(BETS))).cumsum(axis=0)
    mean = log_sum(log_e.reshape(LATENCY_LOOKS, -1)) - math.log(log_e[0].size)
    p, q, looks = ours.cumsum(axis=0), theirs.cumsum(axis=0), range(4, LATENCY_LOOKS, 5)  # the costly ones, rarer
    proven = [slower_by(p[at], q[at], LEVEL).lower > 0.0 for at in looks]
    later = [quantile_change(p[at], q[at], EDGES.tolist(), 0.95, LEVEL).difference[0] > 0.0 for at in looks[::3]]
    by_minutes = int(_first((mean >= -math.log(LEVEL))[None])[0])
    return by_minutes, _at(looks, proven), _at(looks[::3], later)


def _at(looks: range, found: list[bool]) -> int:
    return looks[found.index(True)] + 1 if True in found else NEVER


def _stability() -> str:
    rows: Rows = [("drift, rows", "index", "index > .1", "index - its mean > .1", "KS proven > .02")]
    cells, reference = 32, 10_000
    even = np.full(cells, 1.0 / cells)
    for drift, n in ((0.0, 200), (0.0, 500), (0.0, 1000), (0.0, 5000), (0.1, 500), (0.1, 1000), (0.1, 5000)):
        rng = np.random.default_rng([n, int(100 * drift)])
        moved = even * (1.0 + 2.0 * drift * np.repeat([-1.0, 1.0], cells // 2))  # KS = drift
        base, live = rng.multinomial(reference, even, RUNS), rng.multinomial(n, moved, RUNS)
        p, q = (live + 0.5) / (n + 0.5 * cells), (base + 0.5) / (reference + 0.5 * cells)
        index, mean = ((p - q) * np.log(p / q)).sum(axis=1), (cells - 1) * (1.0 / n + 1.0 / reference)
        proven = [ks_lower(a, b, LEVEL) > 0.02 for a, b in zip(live, base, strict=True)]
        shares = (float((index > 0.1).mean()), float((index - mean > 0.1).mean()), float(np.mean(proven)))
        rows.append((f"KS {drift:g}, {n}", f"{index.mean():.3f}", *(f"{share:.1%}" for share in shares)))
    return (
        f"Stability index on {cells} cells, {reference} reference rows: alarms at one look, {RUNS} runs\n{lined(rows)}"
    )


def _first(alarm: NDArray[np.bool_]) -> Ints:
    """The number of the first look with an alarm, by row; NEVER if there is none."""
    return np.where(alarm.any(axis=1), alarm.argmax(axis=1) + 1, NEVER)


def _told(first: Ints) -> str:
    found = first[first < NEVER]
    return f"{found.size / first.size:.1%}" + (f", {np.median(found):.0f}" if found.size else "")
