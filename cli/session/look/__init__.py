"""A look at the cloud: what of a stack's state stands there, and what others made of it.

It asks and compares, and changes nothing; what is made of it is the commands' (`session/standing.py`).
"""
