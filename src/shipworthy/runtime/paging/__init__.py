"""Paging people: an outbox that outlives us, one sender for each receiver, and nothing that waits for any of them."""
