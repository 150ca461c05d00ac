"""The first contract of an existing project: what its columns look like, and the files to begin with."""
