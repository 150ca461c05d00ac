"""A site in several processes: a supervisor, one control process, and workers that answer requests."""
