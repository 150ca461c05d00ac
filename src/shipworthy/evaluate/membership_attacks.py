"""How to tell a row that was trained on: scores, each higher where the model seems to have seen the row.

In: answers with label and score, and strangers (rows not trained on) that an attacker may learn from. Out: an attack:
answers → one number a row. Nothing of what it is judged on goes into it.

* `confidence`: log-odds of the true label (Yeom et al., CSF 2018);
* `per_class`: the same less its high quantile among strangers of that label, so that the easy class does not hide the
  other one (class-wise thresholds; Song & Mittal, USENIX Security 2021);
* `calibrated`: the same less what a learner fitted on strangers alone would say: a row that everybody finds easy tells
  nothing (difficulty calibration; Watson et al., ICLR 2022);
* `surprise`: that difference in probabilities, for models that are nearly certain of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.cross_fit import learner
from shipworthy.evaluate.encoded import Encoding, Floats
from shipworthy.facts.texts import TEXT

Attack = Callable[[Sequence[Answered]], Floats]
Scale = Callable[[Floats, Floats], Floats]
Maker = Callable[[Bench, Sequence[Answered], float], Attack]

EDGE = 1e-9  # keeps log-odds finite; scores closer to certainty than this are alike
LEAST_ROWS = 20


def confidence(rows: Sequence[Answered]) -> Floats:
    """Return the log-odds that the model gives to the truth. Every row has a label and a score."""
    return _log_odds(_scores(rows), _labels(rows))


def attack_of(name: str, bench: Bench, strangers: Sequence[Answered], false_alarms: float) -> Attack:
    """Return the attack. Raises ContractError for a name that is none."""
    if name not in MAKERS:
        raise ContractError(f"no attack {name!r}", "attacks", f"one of {', '.join(MAKERS)}")
    return MAKERS[name](bench, strangers, false_alarms)


def _plain(bench: Bench, strangers: Sequence[Answered], false_alarms: float) -> Attack:
    return confidence


def _per_class(bench: Bench, strangers: Sequence[Answered], false_alarms: float) -> Attack:
    sure, labels = confidence(strangers), _labels(strangers)
    usual = [
        float(np.quantile(sure[labels == label], 1.0 - false_alarms)) if (labels == label).sum() >= LEAST_ROWS else 0.0
        for label in (0.0, 1.0)
    ]
    return lambda rows: confidence(rows) - np.where(_labels(rows) == 1.0, usual[1], usual[0])


def _calibrated(bench: Bench, strangers: Sequence[Answered], false_alarms: float) -> Attack:
    return _against_learner(bench, strangers, _log_odds)


def _surprise(bench: Bench, strangers: Sequence[Answered], false_alarms: float) -> Attack:
    return _against_learner(bench, strangers, _right)


def _against_learner(bench: Bench, strangers: Sequence[Answered], scale: Scale) -> Attack:
    labels = _labels(strangers)
    features = tuple(one for one in bench.features if one.type != TEXT)
    if not features or min((labels == 0.0).sum(), (labels == 1.0).sum()) < LEAST_ROWS:
        return confidence
    known = [one.row for one in strangers]
    encoding = Encoding(features, known)
    fitted = learner(encoding.categories).fit(encoding.matrix(known), labels)

    def attack(rows: Sequence[Answered]) -> Floats:
        expected = np.asarray(fitted.predict_proba(encoding.matrix([one.row for one in rows]))[:, 1], dtype=np.float64)
        return scale(_scores(rows), _labels(rows)) - scale(expected, _labels(rows))

    return attack


def _labels(rows: Sequence[Answered]) -> Floats:
    return np.array([one.label for one in rows], dtype=np.float64)


def _scores(rows: Sequence[Answered]) -> Floats:
    return np.array([one.score for one in rows], dtype=np.float64)


def _right(scores: Floats, labels: Floats) -> Floats:
    return np.where(labels == 1.0, scores, 1.0 - scores)


def _log_odds(scores: Floats, labels: Floats) -> Floats:
    right = np.clip(_right(scores, labels), EDGE, 1.0 - EDGE)
    return np.asarray(np.log(right) - np.log1p(-right), dtype=np.float64)


MAKERS: dict[str, Maker] = {
    "confidence": _plain,
    "per_class": _per_class,
    "calibrated": _calibrated,
    "surprise": _surprise,
}
