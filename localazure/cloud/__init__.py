"""One embedded Azure as an object, and its long-running operations.

What its parts are is in the rooms below.
"""
