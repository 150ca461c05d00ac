"""The part of the contract room that touches the disk: reading a repository, and nothing else."""
