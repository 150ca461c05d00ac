"""How categories become numbers: the tables that training left beside the model.

In: the artefact folder. Out: an `Encoding` for every category of the model. Nothing numerical is loaded here.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.errors import ContractError
from shipworthy.models.spec import ENCODING_ENTRY, ENCODING_FILE, Columns, OpenSpec


class Encoding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one category enters the matrix. `unseen`, `missing`: None is NaN."""

    values: dict[str, float]
    unseen: float | None = None
    missing: float | None = None


def read_encodings(folder: Path, spec: OpenSpec, columns: Columns) -> dict[str, Encoding]:
    """Return the encoding of each category. Raises ContractError when the file does not give every one its numbers."""
    wanted = [name for name, kind in columns if kind == "category"]
    if not wanted:
        return {}
    path = folder / (spec.encoding or ENCODING_FILE)
    try:
        known = msgspec.json.decode(path.read_bytes(), type=dict[str, Encoding])
    except (OSError, msgspec.MsgspecError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        fix = f'write it where the model is trained, of the shape {{"{wanted[0]}": {ENCODING_ENTRY}}}'
        raise ContractError(f"cannot be read: {why}", str(path), fix) from error
    lacking = [name for name in wanted if name not in known]
    if lacking:
        raise ContractError(f"no encoding for {', '.join(lacking)}", str(path), "give every category its numbers")
    return known
