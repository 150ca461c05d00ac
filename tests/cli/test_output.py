"""`--json` prints one object with a version on standard output and nothing else there; every verb explains itself."""

from __future__ import annotations

import click
import pytest

from shipworthy.cli import VERBS, cli
from tests.cli.calls import call, verb
from tests.cli.commands import commands
from tests.flows.tiny import Tiny

COMMANDS = dict(commands())


ORDERED = {"warnings", "order", "epoch", "recorded", "acknowledged", "replicas"}


@pytest.mark.parametrize(
    ("args", "keys"),
    [
        (("check",), {"problems", "warnings", "not_claimed"}),
        (("note",), {"change"}),
        (("note", "--check"), {"problems"}),
        (("build",), {"artefact", "thresholds", "network"}),
        (
            ("reproduce",),
            {
                "schema",
                "artefact",
                "again",
                "materials",
                "outcome",
                "differences",
                "rows",
                "worst",
                "environment",
                "record",
            },
        ),
        (("scan",), {"findings", "files"}),
        (("sign",), {"signature"}),
        (("verify",), {"verified", "verdict"}),
        (("verify", "--verdict"), {"verified", "verdict"}),
        (("evaluate",), {"path", "cases", "not_measured"}),
        (("evaluate", "--case", "tail.fast"), {"case"}),
        (("keys", "new"), {"published"}),
        (("keys", "token", "--scope", "read", "--expires", "1d"), {"token", "id", "scope", "expires"}),
        (("override", "list"), {"overrides"}),
        (("status",), {"state", "lies", "warning"}),
        (("pagers", "owed"), {"owed"}),
        (
            ("rollout", "status"),
            {"rollout", "word", "stage", "stages", "verdict", "judged_at", "judgements", "compared", "problem"},
        ),
        (("rollout", "hold", "--as", "ana"), {"rollout"}),
        (("rollout", "abort", "--as", "ana"), {"rollout"}),
        (("kill", "--because", "x", "--as", "ana"), ORDERED),
        (("degrade", "--because", "x", "--as", "ana", "--tenant", "acme"), ORDERED),
        (("review-queue", "list"), {"items"}),
        (("review-queue", "stats"), {"queue"}),
        (("labels", "quarantine", "list"), {"sources"}),
        (("review-queue", "take", "--as", "ben"), {"item"}),
        (("incident", "open", "x", "--severity", "SEV3", "--because", "x", "--as", "ana"), {"incident"}),
        (("incident", "list"), {"incidents"}),
        (("ledger", "show"), {"entries"}),
        (("ledger", "verify"), {"ok", "size", "problems"}),
        (("ledger", "replay"), {"same", "entries", "problem", "state"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_json_is_one_object_with_a_version(rolling: Tiny, args: tuple[str, ...], keys: set[str]) -> None:
    left = verb(rolling, *args, "--json")
    assert left.code == 0, left.err
    assert set(left.json()) == {"version", *keys}
    assert left.json()["version"] == 1


@pytest.mark.parametrize("name", ["gate", "ship"])
def test_the_verdict_as_json_is_the_same_by_either_option(prepared: Tiny, name: str) -> None:
    one = verb(prepared, name, "--json").json()
    prepared.evaluate()
    assert set(verb(prepared, name, "--format", "json").json()) == set(one)
    assert "decision" in str(one)


def test_json_of_a_no_is_still_json(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    left = verb(prepared, "gate", "--json")
    assert left.code == 1
    assert left.json()


def test_orders_that_hold_are_told_with_who_must_confirm(shipped: Tiny) -> None:
    verb(shipped, "kill", "--segment", "supplier=S1", "--because", "wrong letters", "--as", "ana")
    told = verb(shipped, "status").out
    assert "killed on version *, tenant *, supplier=S1: wrong letters (confirmed by ana)" in told


def test_help_lists_every_verb() -> None:
    left = call("--help")
    assert left.code == 0
    for name in VERBS:
        assert f"\n  {name} " in left.out, name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_explains_itself_and_its_options(name: str) -> None:
    left = call(*name.split(), "--help")
    assert left.code == 0
    command = COMMANDS[name]
    assert command.help
    assert command.help.splitlines()[0].endswith((".", ")"))
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.opts[0] in left.out


def test_every_verb_that_prints_a_result_prints_it_as_json_too() -> None:
    plain = {"serve", "ledger checkpoint"}
    for name, command in COMMANDS.items():
        if not isinstance(command, click.Group) and name not in plain:
            assert any("--json" in option.opts for option in command.params), name


def test_the_version_is_told() -> None:
    left = call("--version")
    assert left.code == 0
    assert "0." in left.out


def test_no_arguments_show_the_help() -> None:
    left = call()
    assert "Usage" in left.out + left.err
    assert isinstance(cli, click.Group)
