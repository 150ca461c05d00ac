"""`assistant:` of the manifest: what is accepted, what belongs to the change, what its stakes and loosenings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.contract.assistant import Assistant, Output, Tool, unbound, url_fault
from shipworthy.contract.assistant_rules import schema_fault
from shipworthy.contract.change import assistant_files, change_files
from shipworthy.contract.files.reader import read_change, read_contract
from shipworthy.contract.loosening_assistant import assistant_rows
from shipworthy.contract.manifest_reader import read_manifest
from tests.contract.loosening_kit import found, replace
from tests.contract.loosening_kit import manifest as with_manifest
from tests.contract.repository import files, manifest, standard, whole, write

URL = "assistant: {url: 'http://127.0.0.1:8124/v1'}\n"
COMMAND = "assistant: {command: [python, ./serve.py, model/weights.gguf, '{port}'], system: prompts/system.txt}\n"


def faults(text: str) -> list[str]:
    return [problem.what for problem in read_manifest(manifest(more=text))[2]]


@pytest.mark.parametrize("text", [URL, COMMAND])
def test_an_assistant_by_address_or_by_command(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("assistant: {}", "exactly one of `url` or `command`"),
        ("assistant: {url: 'http://127.0.0.1:1/v1', command: ['{port}']}", "exactly one of"),
        ("assistant: {url: 'https://api.example.com/v1'}", "evaluation has no network"),
        ("assistant: {url: 'http://10.0.0.5:8124/v1'}", "evaluation has no network"),
        ("assistant: {url: 'http://127.0.0.1/v1'}", "without a port"),
        ("assistant: {command: [python, serve.py]}", "holds {port}"),
        ("assistant: {command: [python, '{port}', '{port}']}", "holds {port}"),
        ("assistant: {command: ['{port}'], system: ../outside.txt}", "not a plain path"),
        ("assistant: {command: ['{port}'], timeout_s: 0}", "timeout_s must be above 0"),
        ("assistant: {command: ['{port}'], start_timeout_s: -1}", "start_timeout_s must be above 0"),
        ("assistant: {command: ['{port}'], temperature: -1}", "temperature must be 0 or more"),
        ("assistant: {command: ['{port}'], max_tokens: 0}", "max_tokens below 1"),
        ("assistant: {command: ['{port}'], tools: [{name: a}, {name: a}]}", "listed twice"),
        ("assistant: {command: ['{port}'], tools: [{name: ' '}]}", "without a name"),
        ("assistant: {command: ['{port}'], tools: [{name: a, arguments: {n: 'm < 5'}}]}", "unknown name 'm'"),
        ("assistant: {command: ['{port}'], output: {matches: '(a+)+'}}", "a repetition inside"),
        ("assistant: {command: ['{port}'], output: {forbids: ['']}}", "an empty pattern"),
        ("assistant: {command: ['{port}'], output: {max_length: 5000}}", "max_length must lie"),
        ("assistant: {command: ['{port}'], output: {no_pii: [phone]}}", "'phone' is not known"),
        ("assistant: {command: ['{port}'], output: {json: {minimum: 5}}}", "the keyword 'minimum'"),
        ("assistant: {comand: ['{port}']}", "comand"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(text: str, told: str) -> None:
    assert [told in what for what in faults(text + "\n")] == [True]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://localhost:8124", True),
        ("http://127.9.9.9:1/v1", True),
        ("http://[::1]:8124/v1", True),
        ("http://127.0.0.1.evil.example:80/", False),
        ("http://localhost.evil.example:80/", False),
        ("http://127.0.0.1@evil.example:80/", False),
        ("http://user@127.0.0.1:80/", False),
        ("http://127.0.0.1:80/?q=1", False),
        ("http://2130706433:80/", False),
        ("http://127.0.0.256:80/", False),
        ("http://127.1:80/", False),
        ("http://[::ffff:8.8.8.8]:80/", False),
        ("ftp://127.0.0.1:80/", False),
        ("http://127.0.0.1:99999/", False),
        ("http://[", False),
    ],
)
def test_only_this_machine_is_an_address(url: str, good: bool) -> None:
    assert (url_fault(url) == "") is good


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}, "required": ["a"]}, ""),
        ({"type": "text"}, "'text'"),
        ({"maxLength": -1}, "maxLength"),
        ({"maxLength": True}, "maxLength"),
        ({"required": [1]}, "required"),
        ({"enum": "a"}, "enum"),
        ({"additionalProperties": {}}, "additionalProperties"),
        ({"properties": {"a": 5}}, "no schema"),
        ({"properties": {"a": {"pattern": "x"}}}, "'pattern'"),
        ({"items": {"items": {"minItems": 1}}}, "'minItems'"),
    ],
)
def test_a_shape_that_we_could_not_check_is_refused(schema: dict[str, object], told: str) -> None:
    fault = schema_fault(schema)
    assert told in fault
    assert bool(told) == bool(fault)


def test_a_shape_without_an_end_is_refused() -> None:
    schema: dict[str, object] = {}
    for _ in range(30):
        schema = {"items": schema}
    assert "nested deeper" in schema_fault(schema)


def test_the_system_prompt_and_what_serves_belong_to_the_change_and_the_weights_do_not() -> None:
    read = read_manifest(manifest(more=COMMAND))[0]
    assert read is not None
    assert assistant_files(read) == {"prompts/system.txt", "serve.py", "python", "{port}"}
    names = ("prompts/system.txt", "serve.py", "model/weights.gguf", "README.md")
    assert set(change_files(read, names)) == {"prompts/system.txt", "serve.py"}
    assert assistant_files(replace(read, assistant=None)) == frozenset()


def test_another_system_prompt_is_another_change(tmp_path: Path) -> None:
    contents = files() | {"shipworthy.yaml": manifest(more=COMMAND), "prompts/system.txt": "Be kind.", "serve.py": "x"}
    before = read_change(write(tmp_path, contents))[0]
    write(tmp_path, {"prompts/system.txt": "Be rude."})
    after = read_change(tmp_path)[0]
    write(tmp_path, {"prompts/system.txt": "Be kind.", "serve.py": "y"})
    assert len({before, after, read_change(tmp_path)[0], None}) == 4


def test_a_system_prompt_that_is_not_there_is_a_fault_and_leaves_no_change(tmp_path: Path) -> None:
    write(tmp_path, files() | {"shipworthy.yaml": manifest(more=COMMAND)})
    change, problems = read_change(tmp_path)
    assert change is None
    assert "no file 'prompts/system.txt'" in [problem.what for problem in problems]


def test_what_an_address_serves_is_bound_to_nothing_and_is_told(tmp_path: Path) -> None:
    contract = whole(tmp_path, "low", manifest=manifest(more=URL))
    assert any("bound to no digest" in told for told in contract.warnings)
    assert any(told.startswith("assistant bound to a digest: start it by") for told in contract.not_claimed)
    assert unbound(Assistant(command=("x",))) == unbound(None) == ""


def test_a_command_needs_no_such_warning(tmp_path: Path) -> None:
    write(tmp_path, {"prompts/system.txt": "Be kind."})
    contract = whole(tmp_path, "low", manifest=manifest(more=COMMAND))
    assert not [told for told in (*contract.warnings, *contract.not_claimed) if "digest:" in told]


def test_high_stakes_refuse_an_address(tmp_path: Path) -> None:
    write(tmp_path, files("high") | {"shipworthy.yaml": standard("high") + URL})
    told = [problem.what for problem in read_contract(tmp_path)[1]]
    assert any("high stakes: what http://127.0.0.1:8124/v1 serves" in what for what in told)


PAY = Tool(name="pay", arguments={"amount": "amount <= 100"})
OUTPUT = Output(
    json={"type": "object"}, matches="claim", forbids=("pin",), max_length=200, links=("ok.com",), plain=True,
    no_pii=("card",), no_code=True,
)  # fmt: skip
OLD = Assistant(command=("{port}",), tools=(PAY,), output=OUTPUT)


def tools(*several: Tool) -> Assistant:
    return replace(OLD, tools=several)


def output(**keys: object) -> Assistant:
    return replace(OLD, output=replace(OUTPUT, **keys))


LOOSER: list[tuple[Assistant | None, str]] = [
    (None, "assistant: removed"),
    (replace(OLD, command=(), url="http://127.0.0.1:1/"), "assistant: command → url, which is bound to no digest"),
    (tools(PAY, Tool(name="shell")), "assistant: tool shell: added"),
    (tools(Tool(name="pay", arguments={**PAY.arguments, "to": "true"})), "assistant: tool pay: argument to added"),
    (tools(Tool(name="pay")), "assistant: tool pay: argument amount removed"),
    (
        tools(Tool(name="pay", arguments={"amount": "amount <= 500"})),
        "assistant: tool pay: amount 'amount <= 100' → 'amount <= 500'",
    ),
    (output(json=None), "assistant: output json removed"),
    (output(json={}), "assistant: output json changed"),
    (output(matches=None), "assistant: output matches removed"),
    (output(matches="c"), "assistant: output matches changed"),
    (output(forbids=()), "assistant: output forbids 'pin' removed"),
    (output(max_length=300), "assistant: output max_length 200 → 300"),
    (output(max_length=None), "assistant: output max_length 200 → none"),
    (output(links=None), "assistant: output links no longer checked"),
    (output(links=("ok.com", "x.com")), "assistant: output links x.com let through"),
    (output(plain=False), "assistant: output plain true → false"),
    (output(no_pii=()), "assistant: output no_pii 'card' removed"),
    (output(no_code=False), "assistant: output no_code true → false"),
]


@pytest.mark.parametrize(("new", "row"), LOOSER, ids=[row for _, row in LOOSER])
def test_what_lets_more_through_is_a_row(new: Assistant | None, row: str) -> None:
    assert list(assistant_rows(OLD, new)) == [row]


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        tools(),
        tools(Tool(name="pay", arguments={"amount": "amount  <=  100"}, does="pays")),
        output(forbids=("pin", "secret"), max_length=100, links=(), no_pii=("card", "email")),
        replace(OLD, system="prompts/system.txt", max_tokens=20),
    ],
)
def test_what_lets_no_more_through_is_none(new: Assistant) -> None:
    assert list(assistant_rows(OLD, new)) == []
    assert list(assistant_rows(None, new)) == []


def test_rules_where_none_were_tighten() -> None:
    assert list(assistant_rows(Assistant(url="http://127.0.0.1:1/"), OLD)) == ["assistant: tool pay: added"]


def test_the_lock_remembers_the_assistant(tmp_path: Path) -> None:
    write(tmp_path, {"prompts/system.txt": "Be kind."})
    old = whole(tmp_path, manifest=standard() + COMMAND)
    assert found(old, old) == ()
    assert found(old, with_manifest(assistant=None)(old)) == ("assistant: removed",)
