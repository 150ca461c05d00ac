"""Models opened by their contract: always in a child process without keys, asked over loopback HTTP."""
