"""The ledger: an append-only Merkle log of who did what when, its signed checkpoints, and the state it folds to."""
