"""Faults of the checks on groups of people, on the target, and on what answers give away."""

from __future__ import annotations

from tests.faults.planted import Fault, _in

GAPS = "tests/evaluate/test_group_gaps.py"
AUDIT = "tests/evaluate/test_target_audit.py"
MEND = "tests/evaluate/test_mitigation.py"
PROXY = "tests/evaluate/test_proxy_features.py"
COPY = "tests/evaluate/test_extraction.py"
MEMBER = "tests/evaluate/test_membership.py"

FAULTS: tuple[Fault, ...] = (
    *_in(
        "stats/group_rates.py",
        "tests/stats/test_group_rates.py",
        ("the false are the true positives", "return selected, labels == 0.0", "return selected, labels == 1.0"),
        ("a missed one is a found one", "return ~selected, labels == 1.0", "return selected, labels == 1.0"),
        ("a row without a label is wrong", "~np.isnan(labels)", "np.ones_like(selected)"),
        ("hits count outside the chances", "at[chance & hit]", "at[hit]"),
        (
            "a group without a chance has a rate",
            "for name in sorted(place) if n[place[name]]}",
            "for name in sorted(place)}",
        ),
        ("the ratio is turned round", "return min(rates) / max(rates) if", "return max(rates) / min(rates) if"),
        (
            "clusters do not widen a ratio",
            "wilson(*effective_counts(*low, level, design_effect), z)",
            "wilson(*effective_counts(*low, level, 1.0), z)",
        ),
        ("the lower bound is the point", "lower = floor / (product + root) if", "lower = p1 / p2 if p2 and"),
        ("no denominator has a bound", "if beneath > 0.0 else math.inf", "if beneath > 0.0 else 1.0"),
    ),
    *_in(
        "stats/stratified.py",
        "tests/stats/test_stratified.py",
        (
            "strata are pooled",
            "delta = float(((a * k - b * m) / total).sum()) / weight",
            "delta = float(a.sum() / m.sum() - b.sum() / k.sum())",
        ),
        (
            "without a hit all is certain",
            "if (hits := float(a.sum() + b.sum())) in (0.0, float(total.sum())) or hits != hits:",
            "if (hits := float(a.sum() + b.sum())) != hits:",
        ),
        ("clusters do not widen", "max(0.0, delta * p + q) * design_effect)", "max(0.0, delta * p + q))"),
        ("half the spread", "reach = normal.quantile(level) * ", "reach = 0.5 * normal.quantile(level) * "),
        ("more hits than rows", "(a < 0).any() or (a > m).any()", "(a < 0).any()"),
    ),
    *_in(
        "evaluate/by_group.py",
        GAPS,
        ("a typo is one group of everybody", "if rows and not any(name in row for row in rows):", "if False:"),
        (
            "columns that are no features make no groups",
            "return [group_of(feature, row.get(name)) for row in rows]",
            'return [group_of(feature, row.get(name)) if feature else "all" for row in rows]',
        ),
        ("pairs are left out", "if not pairs:", "if True:"),
        ("without by nobody is compared", "or [one.name for one in bench.features if one.protected]", "or []"),
        ("handfuls are judged", "LEAST_ROWS = 100", "LEAST_ROWS = 1"),
    ),
    *_in(
        "evaluate/worst_pair.py",
        GAPS,
        ("the picked bound is as it stands", "strict = 1.0 - (1.0 - level) / len(kept)", "strict = level"),
        ("thin pairs are judged", "kept = [pair for pair in pairs if not pair.thin]", "kept = list(pairs)"),
        ("the best ratio is judged", "at = min(range(len(kept))", "at = max(range(len(kept))"),
        (
            "the smallest upper bound will do",
            "max(one[1] for one in careful), max(one[2] for one in own)",
            "max(one[1] for one in careful), min(one[2] for one in own)",
        ),
        (
            "the largest lower bound of ratios will do",
            "lo, hi = min(one[1] for one in own), min",
            "lo, hi = max(one[1] for one in own), min",
        ),
        ("what nobody looked at is fair", "return [name for name in splits if name not in seen]", "return []"),
    ),
    *_in(
        "evaluate/gap_pairs.py",
        GAPS,
        (
            "equal odds of false positives alone",
            'EQUALIZED_ODDS = ("true_positive_rate", "false_positive_rate")',
            'EQUALIZED_ODDS = ("false_positive_rate",)',
        ),
        (
            "either rate speaks for both",
            'return [replace(pair, split=f"{pair.split}, {rate}") for rate, pair in found]',
            "return [pair for _, pair in found]",
        ),
        (
            "units do not widen",
            "deff = clustering(bench, [rows[place] for place in at.tolist()], hit[at].tolist())",
            "deff = 1.0",
        ),
        (
            "signs are lost",
            "value = shift - float(high[1].mean() - low[1].mean())",
            "value = abs(abs(float((high[0] - high[1]).mean())) - abs(float((low[0] - low[1]).mean())))",
        ),
        (
            "bounds of the labels the wrong way round",
            "max(0.0, shift - labels_hi), max(0.0, shift - labels_lo)",
            "max(0.0, shift - labels_lo), max(0.0, shift - labels_hi)",
        ),
        ("nobody of either is a fair ratio", "return 1.0, 0.0, 1.0  #", "return 1.0, 1.0, 1.0  #"),
        (
            "calibration errors without their noise",
            "max(high_worse - low_better, high_better - low_worse, value)",
            "value - 0.2",
        ),
        ("handfuls of two columns are listed", "if split.crossed else pairs", "if False else pairs"),
    ),
    *_in(
        "evaluate/group_gaps.py",
        GAPS,
        ("a silent row is not selected", "else chosen.count(None)", "else 0"),
        ("a row without a score is calibrated", "silent = sum(one.score is None for one in seen) if", "silent = 0 if"),
        ("no groups are fair", "if silent or not made:", "if silent:"),
        ("ratios are judged like gaps", 'is_ratio = metric.endswith("_ratio")', "is_ratio = False"),
        (
            "what was not judged passes",
            'status="inconclusive" if result.status == "pass" else result.status',
            "status=result.status",
        ),
        (
            "what was not judged excuses a failure",
            'status="inconclusive" if result.status == "pass" else result.status',
            'status="inconclusive"',
        ),
        ("thin pairs are not said so", '"; not judged: too few rows" if pair.thin', '"" if pair.thin'),
    ),
    *_in(
        "evaluate/group_lines.py",
        GAPS,
        ("half of the odds", "rates = EQUALIZED_ODDS if", "rates = EQUALIZED_ODDS[:1] if"),
        ("crossed groups as well", "if not split.crossed]", "]"),
        ("rates of all rows", "hits / n:.3f} [", "hits / len(split.of):.3f} ["),
        (
            "the sign stays",
            "off = abs(float((told.scores[here] - told.labels[here]).mean()))",
            "off = -float((told.scores[here] - told.labels[here]).mean())",
        ),
        ("the corrected error is called raw", "ECE {ece_raw(bins):.3f} raw", "ECE {ece_corrected(bins):.3f} raw"),
    ),
    *_in(
        "evaluate/need.py",
        MEND,
        (
            "ties fall off",
            "return Need(column, known, amount, amount >= last)",
            "return Need(column, known, amount, amount > last)",
        ),
        (
            "the needy end is always the high one",
            'DIRECTIONS = {"high": 1.0, "low": -1.0}',
            'DIRECTIONS = {"high": 1.0, "low": 1.0}',
        ),
        ("ties go by place", "order = np.lexsort((lot, -scores))", "order = np.argsort(-scores, kind='stable')"),
        (
            "ranges are as wide, not as full",
            "np.quantile(values, np.arange(1, many) / many)",
            "np.linspace(values.min(), values.max(), many + 1)[1:-1]",
        ),
    ),
    *_in(
        "evaluate/need.py",
        AUDIT,
        (
            "recall among all",
            "rate_pairs(bench, kept, flags, need.most, inside,",
            "rate_pairs(bench, kept, flags, all_rows, inside,",
        ),
        ("need at any score", "ranges(scores[need.known], strata)", "ranges(scores[need.known] * 0.0, 2)"),
        ("units do not widen", "deff = clustering(bench, rows, hit.tolist())", "deff = 9.0"),
        ("any word is a direction", "if direction not in DIRECTIONS:", "if False:"),
        ("any column is a need", "if rows and not any(column in one.row for one in rows):", "if False:"),
    ),
    *_in(
        "evaluate/mitigation.py",
        MEND,
        ("no weights", "made[here] = both / (joint * float(others.sum()))", "made[here] = 1.0"),
        ("weights of the rows that are judged", "joint = float((here & others).sum())", "joint = float(here.sum())"),
        (
            "every group by the same share",
            "share = min(1.0, given.share * float(given.needy[pool].mean()) / overall) if overall else given.share",
            "share = given.share",
        ),
        ("a price of a handful", "if given.labels.size < LEAST_ROWS or", "if"),
        ("one class is enough", "np.unique(given.needy).size) < 2:", "np.unique(given.needy).size) < 1:"),
    ),
    *_in(
        "evaluate/mitigation.py",
        AUDIT,
        (
            "the remedy is the label again",
            "other = _refitted(given, given.needy.astype(np.float64))",
            "other = _refitted(given, given.labels)",
        ),
        ("no cost has a price", "if np.isnan(total) or not total else", "if False else"),
    ),
    *_in(
        "evaluate/cross_fit.py",
        MEND,
        (
            "a row is judged by its own learner",
            "inside, others = folds == fold, folds != fold",
            "inside, others = folds == fold, folds > -1",
        ),
        ("units are torn apart", "np.arange(n) if units is None else np.asarray(units)", "np.arange(n)"),
        ("fewer units than folds", "if not 2 <= many <= names.size:", "if False:"),
        ("one class is fitted", "if np.unique(target[others]).size < 2:", "if False:"),
    ),
    *_in(
        "evaluate/target_audit.py",
        AUDIT,
        (
            "what the model takes is a need",
            "if bench.feature(column) is not None or column == bench.label:",
            "if column == bench.label:",
        ),
        (
            "the label is a need",
            "if bench.feature(column) is not None or column == bench.label:",
            "if bench.feature(column) is not None:",
        ),
        ("who cannot be told is not flagged", "return None if None in told else np", "return np"),
        ("a handful of the neediest", "if need.most.sum() < LEAST_ROWS:", "if False:"),
        ("a coarse measure will do", "if need.most.mean() > TOO_COARSE * share:", "if False:"),
        ("nobody flagged is fair", "if not flagged.any() or flagged.all():", "if False:"),
        ("no groups are fair", "if not made or not needs:", "if not needs:"),
        ("one measure speaks for the other", 'return f"{split.name} by {need.column}"', "return split.name"),
        ("rows left out are not told", 'if left_out else ""', 'if left_out < 0 else ""'),
        ("a pass is mended", 'if result.status == "pass":\n        return', "if False:\n        return"),
        ("needs may be anything", 'if not isinstance(given["needs"], dict):', "if False:"),
    ),
    *_in(
        "evaluate/encoded.py",
        PROXY,
        (
            "unseen is the commonest",
            'codes.get(as_category(value) or "", len(codes))',
            'codes.get(as_category(value) or "", 0)',
        ),
        ("text is zero", "return math.nan if number is None else number", "return 0.0 if number is None else number"),
        ("any number of codes", "[:MOST_CODES]", "[:]"),
        ("the rarest comes first", "key=lambda text: (-seen[text], text)", "key=lambda text: (seen[text], text)"),
    ),
    *_in(
        "evaluate/proxy_features.py",
        PROXY,
        ("nothing needs to be found", "if targets and not canary_is_found(", "if False and not canary_is_found("),
        (
            "the canary need not be named",
            'return auroc(scores, member) >= CANARY_LEAST and carriers[0][0] == "planted"',
            "return True",
        ),
        (
            "the other features drown the canary",
            "np.column_stack([rng.permutation(table.values), planted])",
            "np.column_stack([table.values, np.tile(member, (12, 1)).T, planted])[:, : len(table.names) + 1]",
        ),
        (
            "the feature tells itself",
            "features = [one for one in bench.features if not _is_part_of(one, column, own)]",
            "features = list(bench.features)",
        ),
        (
            "its one-hot sisters tell it",
            "or (own is not None and own.group is not None and feature.group == own.group)",
            "",
        ),
        (
            "every row of a unit counts",
            "alone = np.sort(drawn[np.unique(names[drawn], return_index=True)[1]])",
            "alone = np.arange(len(seen))",
        ),
        ("nothing is shuffled", "inside[:, at] = rng.permutation(inside[:, at])", "pass"),
        (
            "a thin feature passes",
            'status = "inconclusive" if result.status == "pass" else result.status',
            "status = result.status",
        ),
        ("a handful is a group", ">= LEAST_ROWS\n    ]", ">= 1\n    ]"),
        ("carriers of nothing", "if lo > 0.5 else", "if True else"),
    ),
    *_in(
        "evaluate/membership_attacks.py",
        MEMBER,
        (
            "sure of anything",
            "return np.where(labels == 1.0, scores, 1.0 - scores)",
            "return np.maximum(scores, 1.0 - scores)",
        ),
        ("certainty is infinite", "np.clip(_right(scores, labels), EDGE, 1.0 - EDGE)", "_right(scores, labels)"),
        ("one threshold for both", "usual[1], usual[0])", "usual[0], usual[0])"),
        (
            "no learner of strangers",
            "return scale(_scores(rows), _labels(rows)) - scale(expected, _labels(rows))",
            "return scale(_scores(rows), _labels(rows))",
        ),
        (
            "three strangers teach",
            "if not features or min((labels == 0.0).sum(), (labels == 1.0).sum()) < LEAST_ROWS:",
            "if labels.size < 0:",
        ),
        ("any attack", "if name not in MAKERS:", "if False:"),
    ),
    *_in(
        "evaluate/membership.py",
        MEMBER,
        (
            "one false alarm more",
            "np.sort(outside)[::-1][allowed])",
            "np.sort(outside)[::-1][min(10 * allowed, outside.size - 1)])",
        ),
        (
            "the best of all is judged where it was picked",
            "return [rows[at] for at in np.sort(drawn[:middle])], [rows[at] for at in np.sort(drawn[middle:])]",
            "return list(rows), list(rows)",
        ),
        ("as sure counts as surer", "(inside > np.sort", "(inside >= np.sort"),
        ("no false alarm is allowed", "if not second or allowed < 1 or", "if not second or"),
        ("no attack finds nothing", 'allowed < 1 or not given["attacks"]:', "allowed < 1:"),
        ("the worst attack is picked", "name = max(made, key", "name = min(made, key"),
    ),
    *_in(
        "evaluate/extraction.py",
        COPY,
        ("a copy of nothing is safe", "if paired_difference(better, worse, n, ask.level)[1] <= 0.0:", "if False:"),
        ("the smallest budget is judged", "last, n = seen[-1], goal.size", "last, n = seen[0], goal.size"),
        ("budgets as they come", "return sorted(set(budgets))", "return budgets"),
        ("any budget", "if not budgets or len(budgets) != len(given):", "if not budgets:"),
        (
            "silence is an answer",
            "    if silent:\n        return _silent",
            "    if silent > 10**9:\n        return _silent",
        ),
        (
            "the copy is asked about itself",
            "alike = _LEARNERS[best]().fit(table, scores).predict(held) >= 0.5",
            "alike = goal",
        ),
        ("labels that are none", "if len(known) < LEAST_QUERIES or", "if len(known) < -1 or"),
    ),
    *_in(
        "evaluate/questions.py",
        COPY,
        ("a guessed range", "if low is None or high is None:", "if False:"),
        ("any way of drawing", "if draw not in DRAWS:", "if False:"),
        (
            "the last of a range is never asked",
            "rng.integers(int(low), int(high) + 1, many)",
            "rng.integers(int(low), int(high), many)",
        ),
        ("fewer questions than asked for", "more = many - len(real)", "more = 0"),
        (
            "other questions for another budget",
            "np.random.default_rng(seed).permutation(len(rows))[:many]",
            "np.random.default_rng(seed + many).permutation(len(rows))[:many]",
        ),
    ),
)
