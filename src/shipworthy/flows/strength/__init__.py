"""Contract strength: would this policy stop a bad model? Mutation testing for a safety contract.

Nothing is imported here: the gate reads a record without loading what makes one.
"""
