"""Black-box attacks: one a file, all of one shape, every row in lock step, nothing asked that could not exist."""
