"""Where things last: one protocol, an SQLite store, and the state files that hold the posture of one site."""
