"""What a job's environment asks for, one record for all ways of saying it.

Building it is in `builder`.
"""
