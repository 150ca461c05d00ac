"""Use cases that need two rooms: one file each, called by the command line, the pages and the tests alike."""
