"""Mutants: releases that are wrong in a known way, and variants that are right, made from a team's own model and rows.

Pure functions over training rows, answers and traffic; what runs them is `flows.strength`.
"""
