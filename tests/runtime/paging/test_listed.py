"""The file of pagers: every fault at its line, secrets only in private files, and nothing secret in plain sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.facts import Severity
from shipworthy.runtime.paging.listed import key_of, read_pagers

GOOD = """pagers:
  - {name: am, kind: alertmanager, url: "http://alertmanager.example:9093/"}
  - name: pd
    kind: pagerduty
    url: https://events.pagerduty.com
    key_file: keys/pd
    severities: [SEV1, SEV2]
  - {name: bus, kind: cloudevents, url: "https://bus.example/in?topic=a", key_file: keys/bus}
  - {name: people, kind: apprise, key_file: keys/people}
"""
ROUTING = "0123456789abcdef0123456789ABCDEF"
KEYS = {"pd": ROUTING, "bus": "secret", "people": "json://127.0.0.1:1/\nmailto://127.0.0.1:2?to=a@b.c\n"}


def write(folder: Path, text: str = GOOD, mode: int = 0o600, **keys: str) -> Path:
    (folder / "keys").mkdir(exist_ok=True)
    for name, key in {**KEYS, **keys}.items():
        path = folder / "keys" / name
        path.touch(mode)
        path.write_text(key)
        path.chmod(mode)
    path = folder / "pagers.yaml"
    path.write_text(text)
    return path


def test_a_file_is_read_with_paths_taken_from_where_it_lies(tmp_path: Path) -> None:
    am, pd, bus, people = read_pagers(write(tmp_path))
    assert (am.url, am.severities, am.key_file) == ("http://alertmanager.example:9093", tuple(Severity), "")
    assert (pd.severities, pd.key_file) == ((Severity.SEV1, Severity.SEV2), str(tmp_path / "keys/pd"))
    assert key_of(pd) == ROUTING.encode()
    assert (bus.url, people.url) == ("https://bus.example/in?topic=a", "")
    assert key_of(am) == b""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("kind: alertmanager", "kind: opsgenie", "pagers.yaml:2:"),
        ("name: am,", "name: AM,", "'AM' is no name"),
        ("name: am,", "name: pd,", "pd is there twice"),
        ("severities: [SEV1, SEV2]", "severities: []", "it would hear nothing"),
        ("severities: [SEV1, SEV2]", "severities: [SEV9]", "pagers.yaml:7:"),
        ("    key_file: keys/pd\n", "", "pagerduty needs a key_file"),
        ("kind: apprise, key_file: keys/people", "kind: apprise", "apprise needs a key_file"),
        ("kind: apprise,", "kind: apprise, url: 'slack://a/b/c',", "addresses of apprise hold secrets"),
        ("https://events.pagerduty.com", "http://events.pagerduty.com", "a key goes over https"),
        ("https://events.pagerduty.com", "https://key@events.pagerduty.com", "an address holds no secret"),
        ("https://events.pagerduty.com", "ftp://events.pagerduty.com", "not an http address"),
        ("https://events.pagerduty.com", "https://", "not an http address"),
        ("https://events.pagerduty.com", "https://a b", "not an http address"),
        ("https://events.pagerduty.com", "https://h:99999", "Port out of range"),
        ("https://events.pagerduty.com", "https://h/?key=1", "this address has no query"),
        ("    key_file: keys/pd", "    key: secret", "unknown key"),
        ("pagers:", "pager:", "unknown key pager"),
        ("name: am,", "name: am, name: am,", "twice"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ContractError, match=r"pagers\.yaml:\d+:\d+: ") as wrong:
        read_pagers(write(tmp_path, GOOD.replace(old, new)))
    assert told in str(wrong.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(CannotDecide, match="others can read"):
        read_pagers(write(tmp_path, mode=mode))


@pytest.mark.parametrize("key", ["short", ROUTING + "0", ROUTING[:-1] + " x", ROUTING[:-1] + "-", ""])
def test_a_key_that_is_none_is_refused_without_showing_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(CannotDecide) as wrong:
        read_pagers(write(tmp_path, pd=key))
    assert not key or key not in str(wrong.value)


@pytest.mark.parametrize("key", ["two words", "two\nlines", "\u00e9", "x" * 5_000])
def test_a_bearer_is_one_word(tmp_path: Path, key: str) -> None:
    with pytest.raises(CannotDecide):
        read_pagers(write(tmp_path, bus=key))


def test_a_key_file_that_is_a_link_or_not_there_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path)
    (tmp_path / "keys/pd").unlink()
    with pytest.raises(CannotDecide):
        read_pagers(path)
    (tmp_path / "keys/pd").symlink_to(tmp_path / "keys/bus")
    with pytest.raises(CannotDecide):
        read_pagers(path)


def test_no_file_is_a_usage_error_and_too_many_pagers_are_a_fault(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read_pagers(tmp_path / "none.yaml")
    many = "\n".join(f"  - {{name: p{at}, kind: alertmanager, url: 'http://a'}}" for at in range(21))
    with pytest.raises(ContractError, match="more than 20 pagers"):
        read_pagers(write(tmp_path, f"pagers:\n{many}\n"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_key_may_stay_on_this_machine_without_tls(tmp_path: Path, host: str) -> None:
    text = GOOD.replace("https://events.pagerduty.com", f"http://{host}:9")
    assert len(read_pagers(write(tmp_path, text))) == 4
