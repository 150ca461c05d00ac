"""The kinds of servers that a version's scores can come from: one dialect a file, all over one pool."""
