"""The cells of the built model, where its file can be read for them.

In: the repository. Out: one value per cell and feature, or None: then the model is a black box to every scan.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shipworthy.contract.manifest import Manifest
from shipworthy.errors import ContractError
from shipworthy.models.encoding import read_encodings
from shipworthy.models.spec import Cell, columns_of, open_spec
from shipworthy.models.tree_cells import tree_cells


def cells_of(root: Path, manifest: Manifest) -> Mapping[str, tuple[Cell, ...]] | None:
    """Return the cells that the model's thresholds make; None for another kind of model."""
    spec, columns = open_spec(manifest.adapter), columns_of(manifest.features)
    if spec.kind != "sklearn":
        return None
    folder = root / manifest.artefacts
    try:
        return tree_cells((folder / spec.file).read_bytes(), columns, read_encodings(folder, spec, columns))
    except (ContractError, OSError):
        return None
