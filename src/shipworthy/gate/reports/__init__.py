"""Reports of one verdict, one format per file. Each is a pure function of the same rows."""
