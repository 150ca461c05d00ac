"""Pages for people on call: what makes one, what it says, and how each system for paging wants to hear it."""
