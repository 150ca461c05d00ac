"""The launch week of a claims-triage model, played on real records through the real gateway.

Time is a hand-turned clock shared by all processes; HTTP, processes, signals and files are real. Every claim is
asserted from what was observed in this run.
"""
