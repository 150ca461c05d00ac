"""What a version may be called, and which reasons can be kept."""

from __future__ import annotations

import pytest

from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.record_text import next_file
from shipworthy.contract.words import MOST_VERSION, MOST_WORDS, check_decision, is_version, on_one_line, unfit
from shipworthy.errors import UsageError
from tests.flows.tiny import MANIFEST

NO_VERSIONS = (
    "", " ", "*", ".", "..", "../2", "a/b", ".1.new", "-1", "2\n3", "2\n", "\ud800", "é", "v" * (MOST_VERSION + 1),
)  # fmt: skip


@pytest.mark.parametrize("name", NO_VERSIONS)
def test_what_cannot_be_a_folder_and_a_word_is_no_version(name: str) -> None:
    assert not is_version(name)
    if name != "*":
        with pytest.raises(UsageError, match="no version can have this name"):
            check_decision(name, "why")


@pytest.mark.parametrize("name", ["1", "2.0.1", "2027-01-04", "1.0.0-rc.1+build_7", "v" * MOST_VERSION])
def test_usual_versions_are_versions(name: str) -> None:
    assert is_version(name)
    check_decision(name, "why")


@pytest.mark.parametrize("name", ["2/3", "..", "2 b", "*"])
def test_a_manifest_cannot_take_such_a_name(name: str) -> None:
    manifest, _, problems = read_manifest(MANIFEST.replace('version: "1"', f'version: "{name}"'))
    assert manifest is None
    assert "no version can have the name" in "".join(map(str, problems))


@pytest.mark.parametrize("text", ["\ud800", "a\x1b[31m", "two\nlines", "x" * (MOST_WORDS + 1), "\u202eback"])
def test_what_does_something_or_cannot_be_written_is_unfit(text: str) -> None:
    assert unfit(text)


def test_prose_may_come_in_lines_and_in_any_language() -> None:
    assert unfit(on_one_line("Zu viele\nFehler:\u00a0être ou ne pas être")) == ""
    check_decision("*", "two\nlines")
    with pytest.raises(UsageError, match="--because"):
        check_decision("2", "\udcff")


def test_the_file_of_a_record_has_a_name_a_disk_can_hold() -> None:
    name = next_file((), "do-not-deploy-" + "9" * 300).rpartition("/")[2]
    assert len(name) < 100
    assert name.startswith("0001-do-not-deploy-9")
