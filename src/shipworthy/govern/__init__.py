"""What people answer for: overrides of a release verdict, and what can never be overridden."""
