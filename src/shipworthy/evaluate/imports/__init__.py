"""Results of other tools, read strictly: one file per format, each `read(raw, where) -> Results`.

A file of an unknown version or shape is refused with one line, never read halfway.
"""
