"""The reference pages, made from the code they speak of: verbs, exit codes, indicators, manifest, ledger.

In: click commands, tables and types. Out: the text of each page. `python -m tests.test_docs --write` writes them,
`tests/test_docs.py` fails when one of them is not what would be written now.
"""

from __future__ import annotations

import enum
import inspect
import re
import types
import typing
from pathlib import Path

import click
import msgspec

from shipworthy import errors, facts
from shipworthy.contract import assistant, card, manifest, note, on_call, pack, review_queue, slos, threats
from shipworthy.contract.schema_files import SCHEMAS
from shipworthy.ledger.fold import CHANGES
from tests.cli.commands import commands
from tests.cli.reference_catalogues import threat_catalogues_page
from tests.cli.reference_generators import generators_page
from tests.cli.reference_indicators import indicators_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Made by `python -m tests.test_docs --write`: do not edit. -->\n"
SOURCE = ROOT / "src" / "shipworthy"


def pages() -> dict[str, str]:
    """Return the text of every reference page by file name."""
    return {
        "cli.md": cli_page(),
        "contract-files.md": contract_files_page(),
        "exit-codes.md": exit_codes_page(),
        "generators.md": generators_page(MADE),
        "indicators.md": indicators_page(MADE),
        "ledger.md": ledger_page(),
        "manifest.md": manifest_page(),
        "threat-catalogues.md": threat_catalogues_page(MADE),
    }


def cli_page() -> str:
    """Return the page of all verbs."""
    parts = [
        "# Verbs\n",
        MADE,
        "Every verb works on the repository in the present folder; `--root FOLDER` names another one, before the verb.",
        "`--home FOLDER` names the state directory (default `.shipworthy/state` in the repository). Results go to",
        "standard output, progress and problems to standard error; `--json` prints one object instead, with",
        "`version: 1`. What a verb leaves with is listed in [exit-codes.md](exit-codes.md).\n",
    ]
    for words, command in commands():
        level = "##" if " " not in words else "###"
        parts += [f"{level} {words}\n", f"{_help(command)}\n"]
        if not isinstance(command, click.Group):
            parts += [f"```\nshipworthy {words}{_usage(command)}\n```\n", *_options(command)]
    return "\n".join(parts).rstrip() + "\n"


def _help(command: click.Command) -> str:
    return " ".join((command.help or "").split())


def _usage(command: click.Command) -> str:
    words = [f" {param.make_metavar(click.Context(command))}" for param in command.params if _is_argument(param)]
    must = [
        f" {param.opts[0]} {_value(param)}" for param in command.params if not _is_argument(param) and param.required
    ]
    return "".join([*words, *must])


def _is_argument(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument)


def _options(command: click.Command) -> list[str]:
    rows = [
        f"| `{param.opts[0]}{'' if param.is_flag else ' ' + _value(param)}` | {_told(param)} |"
        for param in command.params
        if isinstance(param, click.Option)
    ]
    return ["| option | |\n|---|---|", *rows, ""] if rows else []


def _value(param: click.Parameter) -> str:
    if isinstance(param.type, click.Choice):
        return "\\|".join(str(choice) for choice in param.type.choices)
    return param.type.name.upper().replace(" RANGE", "")


def _told(param: click.Option) -> str:
    default = param.default
    shown = f" Default `{default}`." if isinstance(default, str | int | float) and not isinstance(default, bool) else ""
    needed = " Required." if param.required else ""
    return f"{' '.join((param.help or '').split())}{shown}{needed}".strip()


EXAMPLES = {
    0: "clean contract, verdict to ship, signature holds",
    1: "breached SLO, unsafe file, loosening without a decision, missing role, a restore that waits for another person",
    2: "unknown verb or option, unknown person, order or incident",
    3: "missing note, duplicate key, unknown indicator, invalid SLO, no manifest",
    4: "missing, thin or stale evidence, note of another change, missing or wrong signature, damaged ledger or lock",
    5: "no gateway at this address, the store does not answer, a model process does not start",
    70: "an exception nobody expected: the traceback goes to standard error",
}


def exit_codes_page() -> str:
    """Return the page of exit codes."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.ShipworthyError)]
    by_code = {one.exit_code: one for one in kinds}
    meaning = {0: "Yes."} | {code: inspect.getdoc(one) or "" for code, one in by_code.items()}
    meaning[70] = "Our fault."
    rows = [
        f"| {code} | {meaning[code]} | {f'`{by_code[code].__name__}`' if code in by_code else ''} | {EXAMPLES[code]} |"
        for code in sorted(meaning)
    ]
    return "\n".join(
        [
            "# Exit codes\n",
            MADE,
            "Every verb leaves with one of these, and prints what happened as `where: what — fix` on standard error.\n",
            "| code | meaning | in Python | such as |\n|---|---|---|---|",
            *rows,
            "",
            "`gate` and `ship` weigh several reasons in this order: 3, 1, 4. `check` leaves with 3 when a file is",
            "invalid, else with 4 when the note is of another change. Nothing missing, stale or unreadable ever leaves",
            "with 0. 130 is yours: the verb was interrupted.",
            "",
        ]
    )


NOTES = {
    "artifact.trained": ("`train`", "model, when the training began, digests of the change and of what it left"),
    "gate.decided": ("the gate", "subject, decision, digest of the verdict"),
    "gate.shipped": ("the gate", "subject, whether it was the first release"),
    "deploy.admitted": ("an operator", "subject and digest of the lock's terms, of a release no entry pinned so"),
    "respond.drill_started": ("a person, or the site", "the drill: id, kind, model, version, until when it is over"),
    "respond.drilled": ("whoever ran it, or the site", "the finished drill: times of every replica, verdict, expiry"),
    "respond.drill_due": ("the site", "which drill, of which model, since when: once a time"),
    "govern.decided": ("a person", "a decision against deployment that stands, with its signature"),
    "govern.reversed": ("a person", "the decision that no longer stands, with the approvals of two people"),
    "gate.overridden": (
        "the gate",
        "subject, the override with its signatures, digest of the verdict it stands against",
    ),
    "govern.override_requested": ("a person", "the override and the signature of the operator who asks"),
    "govern.override_approved": ("a person", "id and digest of the override, the signature of the reviewer"),
    "govern.override_expired": ("the runtime", "id, version, and when it ended; the version is closed since then"),
    "observe.abuse_read": (
        "a person",
        "range, tenant, reason, whether an address was asked for; never which, nor what was found",
    ),
    "runtime.key_made": ("an operator", "id, tenant and end of a key that callers show; never the key"),
    "runtime.key_revoked": ("an operator", "id and tenant of a key that ended"),
    "runtime.token_made": (
        "an operator",
        "id, scope and end of a token of the API, bounds of a trigger; never the token",
    ),
    "respond.alert_ended": ("the runtime", "order, fingerprint and token of an alert that is over; its order holds on"),
    "respond.acknowledged": (
        "whoever gave the order",
        "an order, its epoch, and what each replica of the host said",
    ),
    "respond.approved": ("a person", "a signed approval of a restore, its orders, scope and moment"),
    "respond.evidence_opened": ("a person", "the incident, the items that were opened, and for which question"),
    "respond.incident_opened": ("the controller, a person", "the incident, and the order that opened it, or why"),
    "respond.incident_extended": ("the controller", "the incident and the order that joined it"),
    "respond.incident_reopened": ("the controller", "the incident and the order that it came back with"),
    "respond.incident_commanded": ("a person", "the incident with who leads it"),
    "respond.incident_updated": ("a person", "the incident, what changed, a signature if one was needed"),
    "respond.incident_promoted": (
        "a person",
        "the incident, its new cases, number and digest of their rows, how many for a fix, what was left out",
    ),
    "respond.incident_closed": ("a person", "the incident, its cases before and after the fix, both artefacts"),
    "respond.review_opened": ("a person", "item, tenant and until when it is leased; never the input"),
    "respond.review_answered": (
        "a person",
        "item, decision, label and who said what; while another person must look, a keyed digest alone",
    ),
    "respond.review_given_back": ("a person", "item"),
    "respond.review_expired": ("machine", "how many reviews nobody answered in time, by tenant; their inputs are gone"),
    "respond.labels_quarantined": ("machine", "whose labels are kept apart from now on, and the counts that say why"),
    "respond.labels_released": ("an operator", "whose labels are counted after all, how many change the sums and why"),
    "respond.labels_dropped": ("an operator", "whose labels are forgotten, how many and why"),
}
_NOTED = re.compile(r'"((?:artifact|gate|respond|deploy|observe|evaluate|govern|runtime|academy)\.[a-z]+(?:_[a-z]+)*)"')


def written_kinds() -> set[str]:
    """Return every kind of entry that flows, runtime, govern and respond name."""
    text = "".join(
        path.read_text() for room in ("flows", "respond", "runtime", "govern") for path in (SOURCE / room).rglob("*.py")
    )
    return set(_NOTED.findall(text))


def ledger_page() -> str:
    """Return the page of ledger entries."""
    changes = [f"| `{kind}` | {_said(step)} |" for kind, step in CHANGES.items()]
    notes = [f"| `{kind}` | {who} | {what} |" for kind, (who, what) in sorted(NOTES.items())]
    return "\n".join(
        [
            "# Ledger entries\n",
            MADE,
            "An entry is `{seq, at, actor, kind, body, prev}`: `at` in UTC with microseconds, `prev` the digest of the",
            "entry before. `shipworthy ledger verify` checks every entry and the chain; only a checkpoint kept",
            "elsewhere shows a cut tail. `shipworthy ledger replay` folds the entries and compares with what holds.\n",
            "## Entries that change the state\n",
            "Each adds 1 to the epoch.\n",
            "| kind | what it does |\n|---|---|",
            *changes,
            "\n## Entries that only tell\n",
            "| kind | written by | body |\n|---|---|---|",
            *notes,
            "",
        ]
    )


def _said(step: object) -> str:
    return " ".join((inspect.getdoc(step) or "").split())


KEYS = {
    "model": "the model's name; verdicts, scopes and the V2 protocol use it",
    "version": "the version's name; a release is kept under it",
    "stakes": "what is required of the contract",
    "owner": "the person who answers for it; incidents are opened for them",
    "adapter": "how the model is opened; at low stakes by default a skops archive `model.skops`",
    "features": "the inputs, in the order the model takes them",
    "relations": "what holds between features in every row that could exist: attacks keep it",
    "label": "the truth, and when it has come",
    "issuers": "the public keys that signatures must be made with; at low stakes by default those in `keys/`",
    "people": "who may act, in which roles",
    "on_call": "who is called when something is ordered or breaks: commander, steps of escalation, runbook",
    "assistant": "a model that writes text, beside the classifier; see [how to red-team it](../how-to/red-team.md)",
    "artefacts": "the folder that is built, scanned, signed and served",
    "build": "the command that makes it, as words; it sees manifest, code, data, lock file and no key",
    "code": "files, folders or globs whose bytes belong to the change; the build command sees no other code",
    "lockfile": "the lock file of the training environment",
    "scan": "classes that the artefact scan lets through; each needs a decision when it is new",
    "decisions": "the words that leave",
    "review": "the bounds inside which thresholds may move; without them people answer all, at low stakes only",
    "review_queue": "how much may wait for people, how long, and what a full queue does",
    "unit": "the column whose rows are answered by one version, and over which errors cluster",
    "tenant": "the column that says whose request it is; a request without it is refused",
    "segments": "the keys by which traffic is watched and orders are scoped",
    "endpoints": "the decision endpoints",
    "datasets": "named rows; `train`, `calibration` and `test` are used by name",
    "data_sources": "where the data came from, bound to their bytes",
    "rollout": "the stages of a rollout",
    "throttles": "how many requests a tenant may send",
    "scope_limits": "what the safety review keeps with people",
    "fallback": "who answers in safe mode and when no model does",
    "kill_fallback": "who answers while killed",
    "idempotent": "asking the model twice does no more than asking once; `false`: a failed request is not asked again",
    "alarms": "the budget of false pages: `false_pages_per_week`",
    "retention": "how long `raw_input`, `answer_within`, `verdict` (to begin serving by) and `abuse_log` last: `30d`",
    "drills": "how often the kill switch is practised, and how fast it must be; see [drills](../how-to/drills.md)",
}


def manifest_page() -> str:
    """Return the page of `shipworthy.yaml`."""
    kinds = [one for one in vars(manifest).values() if _is_shape(one) and one is not manifest.Manifest]
    kinds += [assistant.Tool, assistant.Output, on_call.Rung, on_call.Ladder, review_queue.SecondReview]
    parts = [
        "# `shipworthy.yaml`\n",
        MADE,
        "Unknown keys, duplicate keys and wrong types are errors of `shipworthy check`, with file, line and column.",
        "At low stakes six keys are enough: `model`, `stakes`, `owner`, `features`, `label`, `datasets`. Above them",
        "`version`, `adapter` and `issuers` must be written too.\n",
        "| key | type | default | |\n|---|---|---|---|",
        *(f"{row} {KEYS[key]} |" for key, row in _fields(manifest.Manifest)),
        "",
    ]
    for one in kinds:
        parts += [f"## {one.__name__}\n", " ".join((inspect.getdoc(one) or "").split()), ""]
        parts += ["| key | type | default |\n|---|---|---|", *(row for _, row in _fields(one)), ""]
    return "\n".join(parts).rstrip() + "\n"


CONTRACT_FILES: dict[str, tuple[type, ...]] = {
    "safety-slos.yaml": (slos.WrittenPolicy, slos.WrittenSlo, slos.WrittenNever),
    "robustness-pack.yaml": (pack.Pack, pack.PackHead, facts.Case, facts.Oracle),
    "threat-model.yaml": (threats.ThreatModel, threats.Asset, threats.Threat, threats.CatalogueRef),
    "MODEL_CARD.md": (card.Card, card.Proxy),
    "deliberation-note.md": (note.NoteFront,),
}
OPENINGS = {
    "safety-slos.yaml": "What must hold, at the gate, in the canary and at run time, and what happens when it breaks.",
    "robustness-pack.yaml": "Cases with stable ids: rows (`input`) or a way to make them (`generator`), and an oracle.",
    "threat-model.yaml": "What could be attacked, and what shows that each threat is treated.",
    "MODEL_CARD.md": "Ours is the one key `shipworthy:` of the front matter; the rest is free. The body begins with\n"
    "the human objective. The words of the template are refused.",
    "deliberation-note.md": "Front matter, then seven sections. `shipworthy note` writes `change`. The answer on\n"
    "minority data sets must name what is measured: a protected feature, a segment of an SLO or a case, or an input\n"
    "by which a case picks its rows. The text of a pull request is not in the repository: it is not checked.",
}


def contract_files_page() -> str:
    """Return the page of the contract files beside the manifest."""
    parts = [
        "# Contract files\n",
        MADE,
        "The manifest has a [page of its own](manifest.md). Each file has a JSON Schema (draft-07), which `shipworthy",
        "init` writes to `.shipworthy/schema/`; the first line of a YAML file points an editor to it.\n",
    ]
    for file, kinds in CONTRACT_FILES.items():
        parts += [f"## `{file}`\n", OPENINGS[file], f"Schema: `{SCHEMAS[file]}`.\n"]
        for one in kinds:
            parts += [f"### {one.__name__}\n", " ".join((inspect.getdoc(one) or "").split()), ""]
            parts += ["| key | type | default |\n|---|---|---|", *(row for _, row in _fields(one)), ""]
        if file == note.FILE:
            parts += ["### Sections\n", *(f"- **{title}** {words}" for title, words in note.TEMPLATE.items()), ""]
    return "\n".join(parts).rstrip() + "\n"


def _is_shape(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__module__ == manifest.__name__


def _fields(kind: type) -> list[tuple[str, str]]:
    hints = typing.get_type_hints(kind)
    return [
        (one.name, f"| `{one.name}` | {_type(hints[one.name])} | {_default(one)} |")
        for one in msgspec.structs.fields(kind)
    ]


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if field.default is msgspec.NODEFAULT:
        return "empty"
    if field.default is None or field.default == ():
        return "none"
    if isinstance(field.default, msgspec.Struct | tuple):
        return "see below"
    return f"`{msgspec.json.encode(field.default).decode()}`"


def _type(hint: object) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin is typing.Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}" if inner[-1] is Ellipsis else f"[{', '.join(_type(one) for one in inner)}]"
    if origin is dict:
        return f"mapping of {_type(inner[0])} to {_type(inner[1])}"
    if hint is typing.Any:
        return "anything"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return ", ".join(f"`{one.value}`" for one in hint)
    words = {str: "text", float: "number", int: "whole number", bool: "true or false"}
    if hint in words and isinstance(hint, type):
        return words[hint]
    name = getattr(hint, "__name__", str(hint))
    return f"[{name}](#{name.lower()})"
