"""Where a site's pagers are: a file of the site, not of the contract, with the secrets in files of their own.

In: the path of a YAML file `pagers: [{name, kind, url, severities, key_file, ca_file}]`. Out: `Pager`s, or every fault
as `file:line: what — fix`. Secrets stand in `key_file` (0600), never here, in an argument or in the environment. What
holds a secret goes over TLS, or stays on this machine. Addresses of apprise are secrets: they stand in the key file.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from shipworthy.artifact.files.keys import read_key
from shipworthy.contract.convert import convert
from shipworthy.contract.problems import Findings, ordered
from shipworthy.contract.strict_yaml import MAX_BYTES, read_yaml
from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.facts import Fact, Severity

Kind = Literal["alertmanager", "pagerduty", "cloudevents", "apprise"]
Stamp = tuple[tuple[int, ...], ...]
MOST: Final = 20
MOST_KEY: Final = 4096
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ROUTING = re.compile(rb"[A-Za-z0-9]{32}")
_SECRET = ("pagerduty", "apprise")


class _Told(Fact, frozen=True, kw_only=True):
    name: str
    kind: Kind
    url: str = ""
    severities: tuple[Severity, ...] = tuple(Severity)
    key_file: str = ""
    ca_file: str = ""


class Pager(_Told, frozen=True, kw_only=True):
    """One receiver of pages. `severities`: which it hears. `ca_file`: the authorities it is trusted by, else those of
    the system. `listed_in`: the file that it was read from."""

    listed_in: str = ""


class _File(Fact, frozen=True, kw_only=True):
    pagers: tuple[_Told, ...]


def read_pagers(path: Path) -> tuple[Pager, ...]:
    """Return the pagers of a file, paths in it taken from where it lies. Raises ContractError with every fault,
    CannotDecide for a key file that others may read or that holds no key of its kind."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", str(path), "name the file with --pagers") from problem
    reading = read_yaml(raw, path.name)
    told, problems = convert(reading, _File)
    if told is not None:
        found = Findings(reading.file, reading.marks)
        _check(told.pagers, found)
        problems = found.problems
    if told is None or problems:
        raise ContractError("\n".join(str(one) for one in ordered(problems)))
    pagers = tuple(_at(path, one) for one in told.pagers)
    for one in pagers:
        key_of(one)
    return pagers


def key_of(pager: Pager) -> bytes:
    """Return the secret of a pager, b"" when it has none.

    Raises CannotDecide for a file that is open to others, or that holds nothing of its kind.
    """
    if not pager.key_file:
        return b""
    key = read_key(Path(pager.key_file)).strip()
    if pager.kind == "pagerduty" and not _ROUTING.fullmatch(key):
        raise CannotDecide("not a routing key: 32 letters and digits", pager.key_file, "copy the integration key")
    printable = all(0x20 < each < 0x7F or (each in b"\r\n" and pager.kind == "apprise") for each in key)
    if not key or len(key) > MOST_KEY or not printable:
        raise CannotDecide("not a key: one word on one line", pager.key_file, "write the key alone into the file")
    return key


def stamp_of(pager: Pager) -> Stamp:
    """Return what changes when somebody writes one of the files of a pager."""
    return tuple(file_stamp(path) for path in (pager.listed_in, pager.key_file, pager.ca_file))


def file_stamp(path: str) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced; empty when there is none."""
    try:
        found = Path(path).stat() if path else None
    except OSError:
        found = None
    return () if found is None else (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def parts_of(pager: _Told) -> SplitResult:
    """Return the parts of the address."""
    return urlsplit(pager.url)


def is_here(host: str) -> bool:
    """True for an address of this machine's loopback."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check(pagers: tuple[_Told, ...], found: Findings) -> None:
    if len(pagers) > MOST:
        found.add(("pagers",), f"more than {MOST} pagers", "one for each system that pages is enough")
    seen: set[str] = set()
    for at, one in enumerate(pagers):
        place = ("pagers", at)
        if not _NAME.fullmatch(one.name):
            found.add((*place, "name"), f"{one.name!r} is no name", "small letters, digits, - and _, at most 40")
        if one.name in seen:
            found.add((*place, "name"), f"{one.name} is there twice", "give each pager a name of its own")
        seen.add(one.name)
        if not one.severities:
            found.add((*place, "severities"), "it would hear nothing", "leave the key out to send it everything")
        if one.kind in _SECRET and not one.key_file:
            found.add(place, f"{one.kind} needs a key_file", "put the secret into a file of mode 600")
        if one.kind == "apprise":
            if one.url:
                found.add((*place, "url"), "addresses of apprise hold secrets", "write them into key_file, one a line")
        elif wrong := _wrong(one):
            found.add((*place, "url") if one.url else place, wrong, "write such as https://events.pagerduty.com")


def _wrong(pager: _Told) -> str:
    try:
        parts = parts_of(pager)
        port = parts.port
    except ValueError as problem:
        return str(problem)
    host = parts.hostname or ""
    if (
        parts.scheme not in ("https", "http")
        or not host
        or port == 0
        or not pager.url.isprintable()
        or " " in pager.url
    ):
        return "not an http address"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "an address holds no secret and no fragment"
    if parts.query and pager.kind != "cloudevents":
        return "this address has no query"
    if parts.scheme == "http" and pager.key_file and not is_here(host):
        return "a key goes over https, or stays on this machine"
    return ""


def _at(listed: Path, pager: _Told) -> Pager:
    told = {name: str((listed.parent / text).absolute()) if text else "" for name, text in (
        ("key_file", pager.key_file), ("ca_file", pager.ca_file), ("listed_in", listed.name),
    )}  # fmt: skip
    return Pager(name=pager.name, kind=pager.kind, url=pager.url.rstrip("/"), severities=pager.severities, **told)
