"""Make this site's keys and put the public halves where the contract pins them.

Private keys stay in the state directory (0600); the repository gets public files only. Nothing is overwritten.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shipworthy.artifact.files.keys import PERSON, PUBLIC_OF, SIGNING, VERDICT, make_keys, make_person_key
from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError, UsageError
from shipworthy.flows.review_queue import desk_of
from shipworthy.flows.site_state import open_site
from shipworthy.indicators import length_seconds
from shipworthy.runtime.api_keys import new_key, with_key, without_key
from shipworthy.runtime.tokens import Token, new_token
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.api_keys import ApiKey, ApiKeys, KeyFile
from shipworthy.store.instants import rfc3339

TOKEN_MADE = "runtime.token_made"
KEY_MADE = "runtime.key_made"
KEY_REVOKED = "runtime.key_revoked"
LONGEST = timedelta(days=400)


def new_keys(workspace: Workspace, manifest: Manifest) -> tuple[Path, ...]:
    """Make what is missing: site keys, and a key for every person of the manifest. Return the public files written.

    All are marked `dev`: high stakes refuse them. People with keys of their own replace theirs.
    """
    make_keys(workspace.keys)
    written = [
        _publish(workspace, workspace.keys / PUBLIC_OF[SIGNING], manifest.issuers.signing),
        _publish(workspace, workspace.keys / PUBLIC_OF[VERDICT], manifest.issuers.verdict),
    ]
    for person in manifest.people:
        folder = workspace.keys / "people" / person.id
        make_person_key(folder)
        written.append(_publish(workspace, folder / PUBLIC_OF[PERSON], person.key))
    return tuple(path for path in written if path is not None)


def make_token(
    workspace: Workspace,
    scope: str,
    lasts: str,
    limit: str = "",
    actions: tuple[str, ...] = (),
    person: str = "",
) -> tuple[str, Token]:
    """Make a token of the API, for this one time; the ledger tells its id, scope, end and bounds. Raises UsageError.

    `lasts` is such as `30d`, at most 400 days; `person`: whose token of scope `review` it is, a reviewer or operator of
    the shipped contract (PolicySaysNo else). `limit` and `actions`: of a trigger, as `runtime.tokens` has them.
    """
    made_at, expires = _span(workspace, lasts)
    with open_site(workspace) as authority:
        if person:
            desk_of(workspace, authority).may_review(person)
        shown, token = new_token(workspace.home, scope, made_at, expires, limit, actions, person)
        told: dict[str, object] = {"id": token.id, "scope": token.scope, "expires": token.expires}
        told |= {"person": person} if person else {}
        told |= {"limit": token.limit, "actions": token.actions} if token.limit else {}
        authority.note("operator", TOKEN_MADE, told)
    return shown, token


def make_api_key(workspace: Workspace, tenant: str, lasts: str) -> tuple[str, ApiKey]:
    """Make a key that callers show, for this one time; the ledger has it before the gateway. Raises UsageError.

    `tenant` `*`: it speaks for every tenant. `lasts` is such as `90d`, at most 400 days.
    """
    made_at, expires = _span(workspace, lasts)
    shown, key = new_key(tenant, made_at, expires)
    file = KeyFile(workspace.home, workspace.host_key())
    with open_site(workspace) as authority, authority.files.changing():
        with_key(file.read(), key)
        authority.note("operator", KEY_MADE, {"id": key.id, "tenant": key.tenant, "expires": key.expires})
        with authority.files.locked():  # not while the ledger is written: no order waits for a store
            file.write(with_key(file.read(), key))
    return shown, key


def api_keys(workspace: Workspace) -> tuple[ApiKey, ...]:
    """Return what is kept of every key, oldest first."""
    kept = KeyFile(workspace.home, workspace.host_key()).read() or ApiKeys()
    return kept.keys


def revoke_api_key(workspace: Workspace, key_id: str) -> ApiKey:
    """End a key at once, with the ledger dead too; then record it. Raises UsageError for an id that none has."""
    files, file = workspace.state_files(), KeyFile(workspace.home, workspace.host_key())
    with files.locked():
        after, gone = without_key(file.read(), key_id, rfc3339(workspace.clock()))
        file.write(after)
    with open_site(workspace) as authority:
        authority.note("operator", KEY_REVOKED, {"id": gone.id, "tenant": gone.tenant})
    return gone


def _span(workspace: Workspace, lasts: str) -> tuple[str, str]:
    """Return now, and the end of a token or key that lasts so long."""
    try:
        length = timedelta(seconds=length_seconds(lasts))
    except ValueError as problem:
        raise UsageError(str(problem), "--expires", f"such as 30d; at most {LONGEST.days}d") from problem
    if length > LONGEST:
        raise UsageError(f"{lasts} is longer than a token may last", "--expires", f"at most {LONGEST.days}d")
    now = workspace.clock()
    return rfc3339(now), rfc3339(now + length)


def _publish(workspace: Workspace, public: Path, target: str) -> Path | None:
    path = (workspace.root / target).resolve()
    if not path.is_relative_to(workspace.root.resolve()):
        raise ContractError("a key path leaves the repository", target, "keep public keys under keys/")
    if path.exists():
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(public.read_bytes())
    return path
