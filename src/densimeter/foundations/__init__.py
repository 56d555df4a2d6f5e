"""The ground floor: errors, checks, estimates with intervals, precision, randomness, padding.

Every other room stands on these files; they import nothing of the package but each other.
"""
