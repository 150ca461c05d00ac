"""The part of the artefact room that touches the disk: folders, key files, the folder scan."""
