"""The text of a first `shipworthy.yaml`.

In: what was seen of a project. Out: YAML that the strict reader takes as it stands, with a comment where people have to
look: a range is only what the data show, and nobody can read from data whom a feature protects.
"""

from __future__ import annotations

import json
import re

import msgspec

from shipworthy.contract.change import MANIFEST
from shipworthy.contract.manifest import Dataset, Feature, Stakes
from shipworthy.contract.schema_files import editor_line
from shipworthy.contract.strict_yaml import scalar
from shipworthy.facts.texts import TEXT

NEVER = "never_deny_uncertain"
"""The never event of a first policy: no denial above `MOST_UNCERTAIN`."""
MOST_UNCERTAIN = 0.30
_PLAIN = re.compile(r"[A-Za-z0-9_][\w./*-]*")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of a project. `file` is relative to the folder `artefacts`; `build` is a command as words."""

    model: str
    owner: str
    stakes: Stakes
    features: tuple[Feature, ...]
    label: str
    datasets: dict[str, Dataset]
    artefacts: str
    file: str
    build: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    lockfile: str | None = None
    unit: str | None = None
    keys: tuple[str, ...] = ()


def manifest_text(seen: Seen) -> str:
    """Return the text of the manifest."""
    return "\n".join(
        [
            editor_line(MANIFEST) + "# What the model takes, who answers for it, how it is built. Written by",
            "# `shipworthy init` from what lay here: read every line once.",
            f"model: {plain(seen.model)}",
            'version: "1"',
            f"stakes: {seen.stakes}",
            f"owner: {plain(seen.owner)}",
            "",
            f"artefacts: {plain(seen.artefacts)}",
            f"adapter: {{kind: sklearn, file: {plain(seen.file)}}}",
            *([f"build: {_listed(seen.build)}"] if seen.build else []),
            *([f"code: {_listed(seen.code)}"] if seen.code else []),
            *([f"lockfile: {plain(seen.lockfile)}"] if seen.lockfile else []),
            "# label 1 / high score leads to `approve`, 0 / low score to `deny`: flip the label in the data, and train",
            "# again, if 1 is the bad outcome. Else the best rows are denied.",
            f"label: {{column: {plain(seen.label)}}}",
            "decisions: {deny: deny, approve: approve, review: review}",
            *(
                [f"unit: {plain(seen.unit)}   # its rows are answered by one version, and err together"]
                if seen.unit
                else []
            ),
            *([_keyed(seen.keys)] if seen.keys else []),
            "",
            "# In the order the model takes them. Ranges are those of the data: widen them to what can be true, and a",
            "# value outside is then told apart from ordinary ones. `unit: years` lets a wrong unit be probed.",
            '# `protected: true` audits a feature by group; `mutable: "yes"` says that a sender can change it.',
            "features:",
            *(f"  - {_feature(feature)}" for feature in seen.features),
            "",
            "datasets:",
            *(f"  {name}: {_dataset(one)}" for name, one in seen.datasets.items()),
            "",
            "# Without bounds on wrong answers every answer goes to a person. With them a machine may answer alone; it",
            f"# then denies nothing more uncertain than `{NEVER}` allows:",
            f"# review: {{denied: 0.10, approved: 0.10, max_uncertainty: {MOST_UNCERTAIN:.2f}}}",
            "fallback: human_review",
            "kill_fallback: human_review",
            "# Once a version has shipped, only these people can add others, loosen, reverse or override, and only two",
            "# together: add a reviewer and an ml before, each with their own key (`shipworthy keys new` makes one).",
            "# - {id: ana, name: Ana, roles: [reviewer], key: keys/ana.pub}",
            "people:",
            f"  - {{id: {plain(seen.owner)}, name: {plain(seen.owner)}, roles: [operator], key: keys/owner.pub}}",
            "issuers: {signing: keys/signing.pub, verdict: keys/verdict.pub}",
            "",
        ]
    )


def plain(text: str) -> str:
    """Return text as YAML: as it is where nobody could read it as anything else, else in quotes.

    >>> plain("churn"), plain("1"), plain("null"), plain("Ana B.")
    ('churn', '"1"', '"null"', '"Ana B."')
    """
    return text if _PLAIN.fullmatch(text) and isinstance(scalar(text), str) else json.dumps(text, ensure_ascii=False)


def _listed(words: tuple[str, ...]) -> str:
    return f"[{', '.join(plain(word) for word in words)}]"


def _feature(feature: Feature) -> str:
    parts = [f"name: {plain(feature.name)}", f"type: {feature.type}"]
    if feature.min is not None and feature.max is not None:
        parts += [f"min: {_number(feature.min)}", f"max: {_number(feature.max)}"]
    if feature.type == TEXT and feature.max is not None:
        parts += [f"max: {_number(feature.max)}", 'mutable: "yes"']
    parts += ["protected: true"] if feature.protected else []
    parts += [f"bins: [{', '.join(_number(edge) for edge in feature.bins)}]"] if feature.bins else []
    return f"{{{', '.join(parts)}}}"


def _keyed(keys: tuple[str, ...]) -> str:
    """Columns by which traffic is told apart, for a model whose only input is what people write."""
    listed = ", ".join(f"{{key: {plain(key)}}}" for key in keys)
    return f"segments: {{keys: [{listed}]}}   # by these its answers are compared: take out what says nothing"


def _dataset(dataset: Dataset) -> str:
    where = "" if dataset.where == "true" else f", where: {json.dumps(dataset.where, ensure_ascii=False)}"
    return f"{{path: {plain(dataset.path)}{where}}}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
