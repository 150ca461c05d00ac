"""`shipworthy.yaml` → `Manifest`, with the rules that no type can say.

In: the file's text. Out: the manifest, or every fault with its line: names used twice, ranges the wrong way round,
segment keys nobody declared, bounds that bound nothing. Whether named files exist is for `files/reader.py`.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterable

from shipworthy.contract.assistant_rules import assistant_faults
from shipworthy.contract.convert import convert
from shipworthy.contract.drills import drill_faults
from shipworthy.contract.manifest import Feature, Manifest, Stage, Throttle
from shipworthy.contract.on_call import on_call_faults, runbooks
from shipworthy.contract.pack import is_table
from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean, label
from shipworthy.contract.review_queue import queue_faults
from shipworthy.contract.segment_text import KeyValues, unknown_keys, write_segments
from shipworthy.contract.strict_yaml import Reading, read_yaml
from shipworthy.contract.words import VERSION_FIX, is_version
from shipworthy.expr import ExprError, compile_expr
from shipworthy.facts import RESERVED, bin_names
from shipworthy.facts.texts import TEXT
from shipworthy.indicators import window_seconds

FILE = "shipworthy.yaml"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
FEATURE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ENTRY = re.compile(r"[\w./-]+\.py:[A-Za-z_]\w*")
KEPT_WORDS = frozenset({"true", "false", "and", "or", "not", "in", "decision", "score", "uncertainty", "tenant"})
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_SEGMENTS: tuple[Path, ...] = (
    ("scope_limits", "*", "segment"),
    ("rollout", "shadow", "segments", "*"),
    ("review_queue", "second_review", "segments", "*"),
)


def read_manifest(source: str | bytes, file: str = FILE) -> tuple[Manifest | None, Reading, tuple[Problem, ...]]:
    """Return the manifest or None, the reading (for the lines of later faults), and every fault."""
    reading = write_segments(read_yaml(source, file), _SEGMENTS)
    manifest, problems = convert(reading, Manifest)
    if manifest is None:
        return None, reading, problems
    found = Findings(file, reading.marks)
    for rule in (
        _words,
        _features,
        _relations,
        _people,
        _segments,
        _review,
        _review_queue,
        _rollout,
        _throttles,
        _datasets,
        _paths,
        _durations,
        _scan,
        _assistant,
        lambda one, found: drill_faults(one.drills, found),
    ):
        rule(manifest, found)
    return (None if found.problems else manifest), reading, found.problems


def segment_keys(manifest: Manifest) -> frozenset[str]:
    """Return the keys that a segment of this contract may use."""
    tenant = {manifest.tenant} if manifest.tenant else set()
    return frozenset({key.key for key in manifest.segments.keys} | {"tenant"} | tenant)


def key_values(manifest: Manifest) -> KeyValues:
    """Return those keys with the values they can have: the bins of a number, 0 and 1 of a flag, None (any) else."""
    return {key: _values(manifest.feature(key)) for key in segment_keys(manifest)}


def _values(feature: Feature | None) -> frozenset[str] | None:
    if feature is None or feature.type in ("category", TEXT):
        return None
    return frozenset({"0", "1"} if feature.type == "bool" and not feature.bins else bin_names(feature.bins))


def _words(manifest: Manifest, found: Findings) -> None:
    for key in ("model", "version", "owner"):
        if not getattr(manifest, key).strip():
            found.add((key,), f"{key} is empty", f"fill in {key}")
    if manifest.version.strip() and not is_version(manifest.version):
        found.add(("version",), f"no version can have the name {manifest.version!r}", VERSION_FIX)
    words = (manifest.decisions.deny, manifest.decisions.approve, manifest.decisions.review)
    if len(set(words)) < 3 or not all(words):
        found.add(("decisions",), "deny, approve and review must be three different words", "rename one")
    _once([endpoint.name for endpoint in manifest.endpoints], "endpoints", "name", found)
    if not manifest.endpoints:
        found.add(("endpoints",), "no endpoint", "name at least one, or remove the key")
    adapter = manifest.adapter
    if adapter.kind == "python" and not ENTRY.fullmatch(adapter.entry or ""):
        found.add(("adapter", "entry"), "the python adapter needs an entry", "write file.py:function")


def _features(manifest: Manifest, found: Findings) -> None:
    _once([feature.name for feature in manifest.features], "features", "name", found)
    if not manifest.features:
        found.add(("features",), "no feature", "list the inputs in the order the model takes them")
    for index, feature in enumerate(manifest.features):
        _feature(feature, ("features", index), found)


def _feature(feature: Feature, path: Path, found: Findings) -> None:
    category = feature.type == "category"
    if feature.type == TEXT:
        _text(feature, path, found)
    if not FEATURE_NAME.fullmatch(feature.name) or feature.name in KEPT_WORDS:
        found.add((*path, "name"), f"not a feature name: {feature.name!r}", "a word of letters, digits and _")
    if category and (feature.min is not None or feature.max is not None or feature.bins):
        found.add(path, f"{feature.name} is a category: it has no range and no bins", "remove min, max and bins")
    if not category and feature.accepted:
        found.add((*path, "accepted"), f"{feature.name} is no category", "remove accepted, or use min and max")
    if feature.min is not None and feature.max is not None and feature.min > feature.max:
        found.add((*path, "min"), f"{feature.name}: min {feature.min:g} is above max {feature.max:g}", "swap them")
    if any(low >= high for low, high in zip(feature.bins, feature.bins[1:], strict=False)):
        found.add((*path, "bins"), f"{feature.name}: bins must rise", "sort the edges and name each once")
    if reserved := RESERVED.intersection(feature.accepted):
        told = f"{feature.name}: {min(reserved)} is a reserved word"
        found.add((*path, "accepted"), told, "it stands for values that are missing, unseen or too many")
    if not all(math.isfinite(edge) for edge in feature.bins):
        found.add((*path, "bins"), f"{feature.name}: a bin without a finite edge", "write numbers")
    if len(set(feature.accepted)) < len(feature.accepted):
        found.add((*path, "accepted"), f"{feature.name}: a value is accepted twice", "name each once")
    if not (feature.cost >= 0 and math.isfinite(feature.cost)):
        found.add((*path, "cost"), f"{feature.name}: cost must be 0 or more", "write what a change costs an attacker")


def _text(feature: Feature, path: Path, found: Findings) -> None:
    """A text has a length and nothing else that a number or a category has; people are not told apart by it."""
    length = feature.max
    if length is not None and not (length >= 1 and math.isfinite(length) and float(length).is_integer()):
        told = f"{feature.name} is a text: max is its most characters"
        found.add((*path, "max"), told, "write a whole number of 1 or more")
    for key, given in (("min", feature.min), ("bins", feature.bins), ("unit", feature.unit), ("group", feature.group)):
        if given not in (None, ()):
            found.add((*path, key), f"{feature.name} is a text: it has no {key}", f"remove {key}")
    if feature.protected:
        told = f"{feature.name} is a text: no group of people is told apart by it"
        found.add((*path, "protected"), told, "protect the column that names the group, such as age or sex")
    if feature.mutable in ("increase", "decrease"):
        told = f"{feature.name} is a text: it neither increases nor decreases"
        found.add((*path, "mutable"), told, 'write "yes" or "no"')


def _relations(manifest: Manifest, found: Findings) -> None:
    _once([relation.name for relation in manifest.relations], "relations", "name", found)
    names = frozenset(feature.name for feature in manifest.features)
    for index, relation in enumerate(manifest.relations):
        path: Path = ("relations", index)
        if not relation.name.strip():
            found.add((*path, "name"), "a relation without a name", "name it by what it says, such as dates_ordered")
        try:
            kept = compile_expr(relation.holds, names)
        except ExprError as fault:
            found.add((*path, "holds"), f"relation {relation.name!r}: {fault.what}", "relate features of this manifest")
            continue
        if not kept.names:
            found.add((*path, "holds"), f"relation {relation.name!r} relates nothing", "name at least one feature")


def _people(manifest: Manifest, found: Findings) -> None:
    _once([person.id for person in manifest.people], "people", "id", found)
    for index, person in enumerate(manifest.people):
        if not person.roles:
            found.add(("people", index, "roles"), f"{person.id} has no role", "give a role or remove the person")
        if not person.id.strip():
            found.add(("people", index, "id"), "a person without an id", "give each person an id")
    if manifest.on_call is not None:
        on_call_faults(manifest.on_call, [name for one in manifest.people for name in (one.id, *one.roles)], found)


def _segments(manifest: Manifest, found: Findings) -> None:
    known = key_values(manifest)
    names = [key.key for key in manifest.segments.keys]
    _once(names, ("segments", "keys"), "key", found)
    for index, name in enumerate(names):
        feature = manifest.feature(name)
        if feature is not None and feature.type in ("int", "float") and not feature.bins:
            told = f"segment key {name!r} is a number without bins"
            found.add(("segments", "keys", index, "key"), told, f"give the feature {name} its bins")
        if feature is not None and feature.type == TEXT:
            told = f"segment key {name!r} is a text: nearly every row would be a segment of its own"
            found.add(("segments", "keys", index, "key"), told, "segment by a category or by a number with bins")
    tenant = manifest.feature(manifest.tenant or "")
    if tenant is not None and tenant.type == TEXT:
        found.add(("tenant",), f"tenant: {tenant.name!r} is a text", "name the column that says whose request it is")
    for index, pair in enumerate(manifest.segments.pairs):
        for name in pair:
            if name not in known:
                found.add(("segments", "pairs", index), f"unknown segment key {name!r}", did_you_mean(name, known))
        if len(set(pair)) < 2 or any(set(pair) == set(other) for other in manifest.segments.pairs[:index]):
            found.add(("segments", "pairs", index), f"the pair {list(pair)} says nothing new", "name two keys, once")
    for index, limit in enumerate(manifest.scope_limits):
        unknown_keys(limit.segment, known, ("scope_limits", index, "segment"), found)
    shadow = manifest.rollout.shadow.segments if manifest.rollout else ()
    for index, segment in enumerate(shadow):
        unknown_keys(segment, known, ("rollout", "shadow", "segments", index), found)
    _once([limit.name for limit in manifest.scope_limits], "scope_limits", "name", found)


def _review(manifest: Manifest, found: Findings) -> None:
    review = manifest.review
    if review is None:
        return
    for key in ("denied", "approved", "delta"):
        if not 0 < getattr(review, key) < 1:
            found.add(("review", key), f"{key} must lie between 0 and 1", "write 0.05 for 5 percent")
    if review.start_n < 1:
        found.add(("review", "start_n"), "start_n below 1", "write how many scores the first point must hold")
    if review.max_uncertainty is not None and not 0 <= review.max_uncertainty <= 1:
        found.add(("review", "max_uncertainty"), "max_uncertainty must lie between 0 and 1", "write 0.30")
    names = [feature.name for feature in manifest.features]
    for index, name in enumerate(review.buckets):
        if name not in names:
            found.add(("review", "buckets", index), f"unknown feature {name!r}", did_you_mean(name, names))
        elif any(feature.name == name and feature.type == TEXT for feature in manifest.features):
            told = f"{name} is a text: every text is one the model has not seen"
            found.add(("review", "buckets", index), told, "name categories")


def _review_queue(manifest: Manifest, found: Findings) -> None:
    hidden = {one.key for one in manifest.segments.keys if not one.public and one.key != "tenant"}
    queue_faults(manifest.review_queue, key_values(manifest), hidden, found)


def _rollout(manifest: Manifest, found: Findings) -> None:
    if manifest.rollout is None:
        return
    stages = manifest.rollout.stages
    _once([stage.name for stage in stages], ("rollout", "stages"), "name", found)
    if not stages:
        found.add(("rollout", "stages"), "no stage", "name at least one, or remove the rollout")
    roles = frozenset(role for person in manifest.people for role in person.roles)
    for index, stage in enumerate(stages):
        _stage(stage, ("rollout", "stages", index), roles, found)
    compare = manifest.rollout.compare
    for key in ("errors", "latency", "review_rate", "disagreement", "false_rollbacks"):
        margin = getattr(compare, key)
        if margin is not None and not 0 < margin < 1:
            found.add(("rollout", "compare", key), f"{key} must lie between 0 and 1", "write 0.01 for one in a hundred")


def _stage(stage: Stage, path: Path, roles: frozenset[str], found: Findings) -> None:
    if not 0 < stage.share <= 100:
        found.add(
            (*path, "share"), f"stage {stage.name!r}: share must lie in (0, 100] percent", "write 10 for 10 percent"
        )
    if not stage.tenants:
        found.add((*path, "tenants"), f"stage {stage.name!r} has no tenant", 'name tenants, or write ["*"] for all')
    if stage.min_samples < 1:
        found.add((*path, "min_samples"), "min_samples below 1", "write how many requests a stage needs at least")
    if stage.advance != "auto" and stage.advance not in roles:
        found.add(
            (*path, "advance"), f"nobody has the role {stage.advance!r}", did_you_mean(stage.advance, roles | {"auto"})
        )


def _throttles(manifest: Manifest, found: Findings) -> None:
    if manifest.throttles is None:
        return
    named: dict[Path, Throttle] = {("default",): manifest.throttles.default}
    named |= {("tenants", tenant): throttle for tenant, throttle in manifest.throttles.tenants.items()}
    for place, throttle in named.items():
        if not throttle.rate_per_s > 0 or throttle.burst < 1:
            told = f"throttle {label(place)}: rate_per_s must be above 0 and burst at least 1"
            found.add(("throttles", *place), told, "to stop a tenant use `shipworthy kill`, not a throttle of 0")


def _datasets(manifest: Manifest, found: Findings) -> None:
    for name, dataset in manifest.datasets.items():
        if is_table(name):
            told = f"dataset {name!r} is named like a file"
            found.add(("datasets", name), told, "name it by what it is for, such as test")
        try:
            compile_expr(dataset.where)
        except ExprError as fault:
            found.add(("datasets", name, "where"), f"dataset {name!r}: {fault.what}", "see the expression language")
    for index, source in enumerate(manifest.data_sources):
        if not DIGEST.fullmatch(source.digest):
            told = f"data source {source.name!r}: not a digest: {source.digest!r}"
            found.add(("data_sources", index, "digest"), told, "write sha256: and 64 hex digits (sha256sum FILE)")
        for key in ("origin", "licence", "consent", "known_skews", "poisoning_checks"):
            if not getattr(source, key).strip():
                found.add(("data_sources", index, key), f"data source {source.name!r}: {key} is empty", "say it")
    _once([source.name for source in manifest.data_sources], "data_sources", "name", found)


def _scan(manifest: Manifest, found: Findings) -> None:
    """Whether a class can be admitted at all is for the scanner; here it must be one name in full."""
    for index, name in enumerate(manifest.scan.classes):
        if not _CLASS.fullmatch(name):
            told = f"{name!r} is not a class in full"
            found.add(("scan", "classes", index), told, "write module.Class, as `shipworthy scan --learn` prints it")
    for name in {name for name in manifest.scan.classes if manifest.scan.classes.count(name) > 1}:
        found.add(("scan", "classes"), f"{name!r} is listed twice", "list each class once")


def _assistant(manifest: Manifest, found: Findings) -> None:
    if manifest.assistant is not None:
        assistant_faults(manifest.assistant, found)


def _paths(manifest: Manifest, found: Findings) -> None:
    for path, named in named_files(manifest):
        if not inside(named):
            found.add(
                path, f"{named!r} is not a plain path inside the repository", "write it relative to shipworthy.yaml"
            )


def _durations(manifest: Manifest, found: Findings) -> None:
    spans: dict[Path, str] = {("label", "matured_after"): manifest.label.matured_after}
    spans |= {("retention", key): span for key, span in manifest.retention.items()}
    for path, span in spans.items():
        try:
            if window_seconds(span) is None:
                raise ValueError(f"not a duration: {span!r}")
        except ValueError as fault:
            found.add(path, f"{label(path)}: {fault}", "write a whole number with m, h or d, such as 72h")
    for key, alarms in manifest.alarms.items():
        if not (alarms > 0 and math.isfinite(alarms)):
            found.add(("alarms", key), f"alarms.{key} must be above 0", "write how many false pages a week you accept")


def named_files(manifest: Manifest) -> tuple[tuple[Path, str], ...]:
    """Return (place in the manifest, path) of everything the manifest names in the repository."""
    named: list[tuple[Path, str]] = [(("artefacts",), manifest.artefacts)]
    named += [(("code", index), path) for index, path in enumerate(manifest.code)]
    named += [(("lockfile",), manifest.lockfile)] if manifest.lockfile else []
    if manifest.assistant is not None and manifest.assistant.system is not None:
        named.append((("assistant", "system"), manifest.assistant.system))
    named += [(("datasets", name, "path"), dataset.path) for name, dataset in manifest.datasets.items()]
    named += [(("data_sources", index, "file"), source.file) for index, source in enumerate(manifest.data_sources)]
    named += [(("people", index, "key"), person.key) for index, person in enumerate(manifest.people)]
    named += runbooks(manifest.on_call) if manifest.on_call is not None else ()
    named += [(("issuers", "signing"), manifest.issuers.signing), (("issuers", "verdict"), manifest.issuers.verdict)]
    return tuple(named)


def inside(path: str) -> bool:
    """True when a path is relative, in plain form, and cannot leave the folder it is relative to.

    >>> [inside(path) for path in ("data/a.csv", "src/", "./a.csv", "a//b", "../a", "/a", "a/../../b", "")]
    [True, True, False, False, False, False, False, False]
    """
    plain = path.isprintable() and "\\" not in path and posixpath.normpath(path) == path.removesuffix("/")
    return plain and not path.startswith(("/", "~")) and path.split("/")[0] not in ("", ".", "..")


def _once(names: Iterable[str], section: str | tuple[str, ...], key: str, found: Findings) -> None:
    place: Path = (section,) if isinstance(section, str) else section
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            found.add((*place, index, key), f"{label(place)}: {name!r} is used twice", "give each its own name")
        seen.add(name)
