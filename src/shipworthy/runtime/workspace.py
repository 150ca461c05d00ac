"""Where one site keeps its things: the model repository, the state directory, and the clock.

In: paths and a clock, all arguments. Out: open keys, store, ledger and contract, or one clear line why not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shipworthy.artifact.files.keys import CHECKPOINT, HOST, PERSON, SIGNING, SITE, VERDICT, read_key
from shipworthy.artifact.keys import load_private
from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.problems import Problem
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.ledger.files.log import Ledger
from shipworthy.store.posture import StateFiles
from shipworthy.store.sqlite import SqliteStore

Clock = Callable[[], datetime]
SHARED = (
    "SHIPWORTHY_URL", "SHIPWORTHY_TOKEN", "SHIPWORTHY_TOKEN_FILE", "SHIPWORTHY_UNSAFE_HTTP", "SHIPWORTHY_LEDGER_KEY",
)  # fmt: skip


def wall_clock() -> datetime:
    """Return the time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class Environment(dict[str, str]):
    """The variables that name a shared ledger and its token. They are used, never shown."""

    def __repr__(self) -> str:
        return f"Environment of {len(self)}"


def ledger_environment(variables: Mapping[str, str]) -> Environment:
    """Return those of the process's variables that a gate looks at."""
    return Environment({name: variables[name] for name in SHARED if name in variables})


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A model repository (`root`), its state directory (`home`), the clock, and what names a shared ledger."""

    root: Path
    home: Path
    clock: Clock = wall_clock
    environment: Environment = Environment()

    @property
    def keys(self) -> Path:
        """The folder of this site's private keys."""
        return self.home / "keys"

    @property
    def releases(self) -> Path:
        """One folder per shipped version, each a whole signed model repository."""
        return self.home / "releases"

    def versions(self) -> tuple[str, ...]:
        """Return the names of the versions that are kept as releases, sorted."""
        if not self.releases.is_dir():
            return ()
        return tuple(sorted(one.name for one in self.releases.iterdir() if not one.name.startswith(".")))

    def now(self) -> str:
        """Return the time as the ledger writes it."""
        return self.clock().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def contract(self) -> Contract:
        """Return the contract when every file of it can be read; ContractError lists what cannot.

        Problems of its content (a stale note, a missing signature) do not stop it: the gate judges those.
        """
        contract, problems = read_contract(self.root)
        if contract is None:
            raise ContractError("\n".join(str(one) for one in problems))
        return contract

    def read(self) -> tuple[Contract | None, tuple[Problem, ...]]:
        """Return the contract as far as it can be read, with every problem found."""
        return read_contract(self.root)

    def evidence(self, artefact: str) -> Path:
        """Return the folder of the evidence about one artefact digest."""
        return self.root / ".shipworthy" / "evidence" / artefact.removeprefix("sha256:")[:32]

    def store(self) -> SqliteStore:
        """Open the store of this site. Raises CannotDecide, and makes nothing, where no site is."""
        if not self.home.joinpath("store.db").exists() and not self.keys.is_dir():
            begun = self.root.joinpath("shipworthy.yaml").exists()
            fix = (
                "run `shipworthy keys new`, or give --home" if begun else "begin with `shipworthy init`, or give --root"
            )
            raise CannotDecide("no site is here: it has no keys and has recorded nothing", str(self.home), fix)
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return SqliteStore(self.home / "store.db")

    def ledger(self, store: SqliteStore) -> Ledger:
        """Open the ledger in `store`."""
        return Ledger(store, self.ed25519(CHECKPOINT), self.origin(), self.clock)

    def origin(self) -> str:
        """Return the ledger's name in its checkpoints, after its signing key, so that two sites never share one."""
        return f"shipworthy/{key_name(self.ed25519(CHECKPOINT).public_key())}"

    def state_files(self) -> StateFiles:
        """Open the posture state: map, MAC'd twin and journal."""
        return StateFiles(self.home, self.host_key())

    def host_key(self) -> bytes:
        """Return the MAC key of this site's gateways."""
        return self._raw(HOST)

    def site_key(self) -> bytes:
        """Return the key under which review inputs are sealed."""
        return self._raw(SITE)

    def signing_key(self) -> EllipticCurvePrivateKey:
        """Return the model signing key."""
        key = load_private(self._raw(SIGNING))
        if not isinstance(key, EllipticCurvePrivateKey):
            raise CannotDecide("not an EC P-256 key", str(self.keys / SIGNING))
        return key

    def verdict_key(self) -> Ed25519PrivateKey:
        """Return the gate's verdict key."""
        return self.ed25519(VERDICT)

    def person_key(self, person: str) -> Ed25519PrivateKey:
        """Return the private key of a person, for those who keep it on this machine."""
        return self.ed25519(f"people/{person}/{PERSON}")

    def ed25519(self, name: str) -> Ed25519PrivateKey:
        """Return a private Ed25519 key of this site by its file name."""
        key = load_private(self._raw(name))
        if not isinstance(key, Ed25519PrivateKey):
            raise CannotDecide("not an Ed25519 key", str(self.keys / name))
        return key

    def _raw(self, name: str) -> bytes:
        path = self.keys / name
        if not path.exists():
            raise CannotDecide("this key does not exist", str(path), "run `shipworthy keys new`")
        return read_key(path)


def key_name(key: Ed25519PublicKey) -> str:
    """Return a short stable name of a public key."""
    from shipworthy.artifact.keys import key_id

    return key_id(key)[:16]
