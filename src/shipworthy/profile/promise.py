"""What "at most one ordinary row in a hundred is flagged" is worth, given the rows it was calibrated on.

In: a profile. Out: a bound of the share of ordinary rows flagged, in 95 of 100 such builds, and the same in words. The
promise itself is a mean over builds; one build may have drawn calibration rows that look odder or plainer than most.
The bound is `stats.conformal.flagged_at_most`: exact for rows not fitted on, and close for cross-fitted ones, whose
scores depend on each other a little. Overrides stand beside it: they need no calibration and promise nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from shipworthy.profile.score import LEVEL, p_tables
from shipworthy.profile.shapes import Profile
from shipworthy.stats.conformal import flagged_at_most

CONFIDENCE = 0.95


class Promise(NamedTuple):
    """Shares of ordinary rows flagged: `level` as a mean over builds, at most `most` in 95 of 100 builds."""

    level: float
    n: int
    most: float


def promise(profile: Profile, level: float = LEVEL) -> Promise:
    """Return what the profile's calibration makes of the promise; `most` is 0 when it can never flag anything."""
    n = profile.n_calibration
    if n == 0 or min(table[1] for table in p_tables(profile)) > level:
        return Promise(level, n, 0.0)
    return Promise(level, n, flagged_at_most(n, level, CONFIDENCE))


def told(profile: Profile, level: float = LEVEL) -> str:
    """Return the promise in one line."""
    held = promise(profile, level)
    crossed = f", {profile.cross_fitted:,} of them cross-fitted" if profile.cross_fitted else ""
    if held.most == 0.0:
        return f"{held.n:,} calibration scores{crossed} are too few to ever flag a row at {level:.2%}"
    text = (
        f"at most {level:.2%} of ordinary rows are flagged as unlike the reference: with {held.n:,} calibration scores"
        f"{crossed} it is {held.most:.2%} or less in {CONFIDENCE:.0%} of builds"
    )
    if profile.overridden:
        text += f"; {profile.overridden:,} more rows were caught by an override"
    return text
