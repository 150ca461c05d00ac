"""Keys of callers: shown once, kept as hashes under a MAC; what is gone, edited, over or revoked opens nothing."""

from __future__ import annotations

import json
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipworthy.deploy.http.keys import Caller, KeyRefusal, everything, needs_key, shown_key, tenant_for
from shipworthy.deploy.http.wire import Refusal
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import AbuseKind
from shipworthy.runtime import api_keys
from shipworthy.runtime.api_keys import Keyring, new_key, state_of, with_key, without_key
from shipworthy.store.api_keys import ApiKeys, KeyFile

MAC = bytes(range(32))
MADE, DURING, END = "2027-01-04T09:00:00.000000Z", "2027-01-20T09:00:00.000000Z", "2027-02-03T09:00:00.000000Z"


class Site:
    """A key file and the gateway that reads it, whose looks at the file are not spaced."""

    def __init__(self, home: Path) -> None:
        self.file = KeyFile(home, MAC)
        self.now = DURING

    def make(self, tenant: str = "acme") -> str:
        shown, one = new_key(tenant, MADE, END)
        self.file.write(with_key(self.file.read(), one))
        return shown

    def ring(self) -> Keyring:
        return Keyring(self.file, lambda: self.now)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(api_keys, "LOOK_EVERY_S", 0.0)
    return Site(tmp_path)


def scope(key: str | None = None, **more: Any) -> dict[str, Any]:
    headers = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
    return {"headers": headers, "method": "POST", "path": "/decide", **more}


def status(ring: Keyring, key: str | None) -> int:
    """Return 200 when the key holds, else the status of the refusal."""
    try:
        ring.caller(scope(key))
    except Refusal as refusal:
        return refusal.status
    return 200


def test_without_keys_anybody_may_ask(site: Site) -> None:
    ring = site.ring()
    assert ring.caller(scope()) is None
    assert not ring.needed


def test_a_key_is_its_holders_and_its_tenants(site: Site) -> None:
    first, second = site.make(), site.make("*")
    ring = site.ring()
    assert ring.needed
    found = [ring.caller(scope(key)) for key in (first, second)]
    assert [one.tenant for one in found if one] == ["acme", "*"]
    assert status(ring, None) == 401


def test_what_is_kept_is_private_and_not_the_key(site: Site) -> None:
    shown = site.make()
    assert stat.S_IMODE(site.file.path.stat().st_mode) == 0o600
    assert shown not in site.file.path.read_text()
    assert shown.removeprefix("swk_") not in site.file.path.read_text()
    assert len(shown) == 47


def test_any_other_text_is_nobodys(site: Site) -> None:
    shown = site.make()
    ring = site.ring()
    kept = site.file.read()
    assert kept is not None
    flipped = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    for other in ("", "swk_", flipped, shown + "A", shown[:-1], shown.upper(), kept.keys[0].sha256, kept.keys[0].id):
        with pytest.raises(KeyRefusal) as refusal:
            ring.caller(scope(other))
        assert (refusal.value.status, refusal.value.abuse) == (401, AbuseKind.BAD_TOKEN)
        assert (b"www-authenticate", b"Bearer") in refusal.value.headers


def test_the_hash_alone_does_not_make_a_key_of_another_form(site: Site) -> None:
    _, one = new_key("acme", MADE, END)
    hashed = sha256(b"password").hexdigest()
    site.file.write(ApiKeys(keys=(msgspec.structs.replace(one, sha256=hashed, id=hashed[:12]),)))
    assert status(site.ring(), "password") == 401


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2027-01-04T08:59:59.999999Z", 401), (MADE, 200), ("2027-02-03T08:59:59.999999Z", 200), (END, 401)],
)
def test_it_ends_while_the_gateway_runs(site: Site, now: str, expected: int) -> None:
    shown = site.make()
    ring = site.ring()
    site.now = now
    assert status(ring, shown) == expected


def test_what_is_made_and_revoked_acts_on_a_running_gateway(site: Site) -> None:
    ring = site.ring()
    assert status(ring, None) == 200
    first, second = site.make(), site.make()
    assert (status(ring, None), status(ring, first)) == (401, 200)
    kept = site.file.read()
    assert kept is not None
    after, gone = without_key(kept, kept.keys[0].id, DURING)
    site.file.write(after)
    assert (status(ring, first), status(ring, second)) == (401, 200)
    assert state_of(gone, DURING) == "revoked"
    assert without_key(after, gone.id, END)[1] == gone  # revoked once
    assert ring.told() == {"needed": True, "holding": 1, "every_tenant": 0, "trouble": ""}


def test_a_file_of_the_same_length_is_another_file(site: Site) -> None:
    first = site.make()
    ring = site.ring()
    assert status(ring, first) == 200
    site.file.path.unlink()
    second = site.make()
    assert (status(ring, first), status(ring, second)) == (401, 200)


def test_a_site_whose_keys_have_all_ended_is_not_open(site: Site) -> None:
    site.make()
    kept = site.file.read()
    assert kept is not None
    site.file.write(without_key(kept, kept.keys[0].id, DURING)[0])
    assert status(site.ring(), None) == 401


@pytest.mark.parametrize("damage", ["gone", "edited", "cut", "link", "another site's"])
def test_keys_that_cannot_be_read_open_nothing_until_they_are_back(site: Site, damage: str, tmp_path: Path) -> None:
    shown = site.make()
    ring, path = site.ring(), site.file.path
    body = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "edited":
        told = json.loads(body)
        told["api_keys"]["keys"][0]["tenant"] = "*"
        path.write_text(json.dumps(told))
    elif damage == "cut":
        path.write_bytes(body[:-10])
    elif damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        KeyFile(path.parent, bytes(32)).write(ApiKeys())
    assert (status(ring, shown), status(ring, None)) == (503, 503)
    assert ring.told()["trouble"]
    if damage != "gone":
        with pytest.raises(CannotDecide):
            site.ring()
    path.unlink(missing_ok=True)
    path.write_bytes(body)
    assert status(ring, shown) == 200
    assert ring.told()["trouble"] == ""


def test_an_open_site_whose_key_file_turns_up_broken_closes(site: Site) -> None:
    ring = site.ring()
    site.file.path.write_text("{}")
    assert status(ring, None) == 503


@pytest.mark.parametrize("tenant", ["", " acme", "a\nb", "x" * 201])
def test_a_tenant_that_no_request_names_gets_no_key(tenant: str) -> None:
    with pytest.raises(UsageError):
        new_key(tenant, MADE, END)


def test_a_key_ends_after_it_was_made() -> None:
    with pytest.raises(UsageError):
        new_key("acme", END, END)


def test_only_one_key_is_revoked_at_a_time(site: Site) -> None:
    site.make()
    site.make()
    kept = site.file.read()
    for wrong in ("", "zz"):
        with pytest.raises(UsageError):
            without_key(kept, wrong, DURING)
    with pytest.raises(UsageError):
        without_key(None, "ab", DURING)


def test_a_row_is_of_the_tenant_that_its_key_speaks_for() -> None:
    acme, every = Caller("a", "acme"), Caller("b", "*")
    assert tenant_for(None, "birch") == "birch"
    assert tenant_for(None, None) is None
    assert tenant_for(acme, "acme") == "acme"
    assert tenant_for(acme, None) == "acme"
    assert tenant_for(every, "birch") == "birch"
    assert tenant_for(every, None) is None
    with pytest.raises(KeyRefusal) as refusal:
        tenant_for(acme, "birch")
    assert (refusal.value.status, refusal.value.abuse) == (403, AbuseKind.FOREIGN_TENANT)


def test_pages_of_the_whole_site_are_for_keys_of_every_tenant() -> None:
    everything(None)
    everything(Caller("b", "*"))
    with pytest.raises(KeyRefusal):
        everything(Caller("a", "acme"))


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("GET", "/v2/health/live", False),
        ("GET", "/v2/health/ready", False),
        ("HEAD", "/v2/models/claims/ready", False),
        ("GET", "/ping", False),
        ("GET", "/v2/models/claims", True),
        ("POST", "/decide", True),
        ("POST", "/ofrep/v1/evaluate/flags/ready", True),
        ("POST", "/v2/health/live", True),
    ],
)
def test_only_health_is_told_to_everybody(method: str, path: str, needed: bool) -> None:
    assert needs_key({"method": method, "path": path}) is needed


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ([], None),
        ([(b"authorization", b"Bearer k")], b"k"),
        ([(b"authorization", b"bearer  k ")], b"k"),
        ([(b"authorization", b"Basic k")], b"Basic k"),
        ([(b"x-api-key", b"k")], b"k"),
        ([(b"x-api-key", b"other"), (b"authorization", b"Bearer k")], b"k"),
    ],
)
def test_where_a_key_is_shown(headers: list[tuple[bytes, bytes]], shown: bytes | None) -> None:
    assert shown_key({"headers": headers}) == shown
