"""The artefact room: digests, signatures, attestations, keys, approvals and the scan for unsafe code."""
