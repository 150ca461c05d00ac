"""What the gateway speaks, one protocol a file: each turns bodies into rows, and what was decided into answers.

Nothing here decides anything: every row of every protocol passes the same `Intake` into the same `Decider`.
"""
