"""The report of `shipworthy monitor` as one page without scripts, as plain text, and in a notebook."""
