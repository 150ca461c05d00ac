"""Model signatures in the model-signing v1.0 bundle format, key signing only.

In: the (name, sha256 hex) pairs of a folder and an EC P-256 key. Out: the bytes of `model.sig`, or a refusal that names
the first difference. Format: a Sigstore bundle v0.3 around a DSSE envelope around an in-toto statement with predicate
https://model_signing/signature/v1.0 (github.com/sigstore/model-transparency). The bundle's own `ignore_paths` is read
and not obeyed: a signer cannot make a verifier look away, so a file hidden under `.git/` is a difference here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives.asymmetric import ec

from shipworthy.artifact.digests import Pair, digest, in_path_order, root_of
from shipworthy.artifact.dsse import IN_TOTO, opened, sign
from shipworthy.artifact.keys import PublicKey, key_id
from shipworthy.artifact.statement import read_statement, statement, statement_bytes
from shipworthy.artifact.strict import dumps, fields, hex_digest, loads, refuse, sequence, text

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE = "https://model_signing/signature/v1.0"
SIGNATURE_FILE = "model.sig"
_WHERE = SIGNATURE_FILE
_RESIGN = "sign again if this change is meant"
_BY_FILES = "sign again with the `files` serialization and sha256, the defaults of model-signing"
# How the format names a model that is one file.
ONE_FILE = "."


def sign_folder_digests(
    name: str,
    pairs: Iterable[Pair],
    private_key: ec.EllipticCurvePrivateKey,
    ignored: tuple[str, ...] = (SIGNATURE_FILE,),
) -> bytes:
    """The bundle that signs exactly these files. `name` is the folder's name and only informs.

    `ignored` is where the signature itself will lie in the folder: verifiers that hash all they see must pass it over.
    """
    ordered = in_path_order(pairs)
    predicate = {
        "serialization": {
            "method": "files",
            "hash_type": "sha256",
            "allow_symlinks": False,
            "ignore_paths": list(ignored),
        },
        "resources": [{"name": one, "algorithm": "sha256", "digest": hexed} for one, hexed in ordered],
    }
    payload = statement_bytes(statement([(name, root_of(ordered))], PREDICATE, predicate))
    # The format leaves keyid empty: the hint beside the envelope names the key.
    envelope = loads(sign(IN_TOTO, payload, private_key, keyid=""), _WHERE)
    material = {"publicKey": {"hint": key_id(private_key.public_key())}, "tlogEntries": []}
    return dumps({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})


def verify_bundle(bundle: bytes, pairs: Iterable[Pair], public_key: PublicKey) -> None:
    """Returns when `bundle` signs exactly these files with this key; raises CannotDecide naming the first difference.

    The order is: strict JSON, the key's hint, one signature, the statement, the root digest, then file by file.
    """
    whole = fields(loads(bundle, _WHERE), _WHERE, ("mediaType", "verificationMaterial", "dsseEnvelope"))
    if whole["mediaType"] != BUNDLE:
        refuse(f"the media type is {str(whole['mediaType'])[:80]!r}", _WHERE, f"{BUNDLE} is expected")
    _check_hint(whole["verificationMaterial"], public_key)
    _check_one_signature(whole["dsseEnvelope"])
    signed = _signed_pairs(opened(whole["dsseEnvelope"], (public_key,), IN_TOTO))
    difference = first_difference(signed, dict(pairs))
    if difference:
        refuse(difference, _WHERE, _RESIGN)


def first_difference(signed: Mapping[str, str], found: Mapping[str, str]) -> str:
    """The first way `found` differs from `signed`, in words; empty when they are the same."""
    if set(signed) == set(found) == {ONE_FILE}:
        return "" if dict(signed) == dict(found) else "the file was changed"
    if ONE_FILE in signed or ONE_FILE in found:
        return "one is a single file and the other a folder"
    gone = [(name, hexed) for name, hexed in in_path_order(signed.items()) if name not in found]
    new = [(name, hexed) for name, hexed in in_path_order(found.items()) if name not in signed]
    for name, hexed in gone:
        for other, same in new:
            if hexed == same:
                return f"{name} was renamed to {other}"
    changed = [name for name, hexed in in_path_order(signed.items()) if name in found and found[name] != hexed]
    if changed:
        return f"{changed[0]} was changed"
    if gone:
        return f"{gone[0][0]} was removed"
    return f"{new[0][0]} was added" if new else ""


def _check_hint(value: object, public_key: PublicKey) -> None:
    material = fields(value, _WHERE, ("publicKey",), ("tlogEntries",))
    if sequence(material.get("tlogEntries", []), _WHERE):
        refuse("a transparency log entry beside a key signature", _WHERE, "only key signatures are verified here")
    hint = fields(material["publicKey"], _WHERE, ("hint",))["hint"]
    if hint != key_id(public_key):
        refuse("signed by another key than the expected one", _WHERE, "check which public key the contract names")


def _check_one_signature(envelope: object) -> None:
    read = fields(envelope, _WHERE, ("payload", "payloadType", "signatures"))
    count = len(sequence(read["signatures"], _WHERE))
    if count != 1:
        refuse(f"{count} signatures where the format has one", _WHERE)


def _signed_pairs(payload: bytes) -> dict[str, str]:
    """Name → sha256 hex of every signed file, once the root digest over them is right."""
    signed = read_statement(payload)
    if signed.predicate_type != PREDICATE:
        refuse(f"the predicate type is {signed.predicate_type[:80]!r}", _WHERE, f"{PREDICATE} is expected")
    predicate = fields(signed.predicate, _WHERE, ("serialization", "resources"))
    _check_serialization(predicate["serialization"])
    resources = [_resource(one) for one in sequence(predicate["resources"], _WHERE)]
    if len(signed.subjects) != 1:
        refuse(f"{len(signed.subjects)} subjects where the format has one", _WHERE)
    # In the order of the list, as the format says; the list itself must be free of repeats.
    root = digest(b"".join(bytes.fromhex(hexed) for _, hexed in resources))
    if not resources or len(dict(resources)) != len(resources):
        refuse("the list of signed files is empty or repeats a name", _WHERE)
    if signed.subjects[0][1] != root:
        refuse("the root digest is not the one of the listed files", _WHERE)
    return dict(resources)


def _check_serialization(value: object) -> None:
    read = fields(value, _WHERE, ("method", "hash_type", "allow_symlinks"), ("ignore_paths", "shard_size"))
    if read["method"] != "files":
        refuse(f"signed by {str(read['method'])[:40]!r} instead of file by file", _WHERE, _BY_FILES)
    if read["hash_type"] != "sha256":
        refuse(f"signed over {str(read['hash_type'])[:40]!r} digests", _WHERE, _BY_FILES)
    if read["allow_symlinks"] is not False:
        refuse("signed with links followed", _WHERE, "copy the files they point to and sign again")
    for path in sequence(read.get("ignore_paths", []), _WHERE):
        text(path, _WHERE)


def _resource(value: object) -> Pair:
    read = fields(value, _WHERE, ("name", "algorithm", "digest"))
    if read["algorithm"] != "sha256":
        refuse(f"a digest by {str(read['algorithm'])[:40]!r}", _WHERE, "sha256 is expected")
    return text(read["name"], _WHERE), hex_digest(read["digest"], _WHERE)
