"""Logged requests counted a column at a time, into the same windows that live traffic makes."""
