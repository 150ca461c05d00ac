"""Many decisions at once: the answer, the never events and the receipts of columns, as single requests have them."""
