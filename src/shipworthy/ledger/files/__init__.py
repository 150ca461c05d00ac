"""The ledger on a store."""
