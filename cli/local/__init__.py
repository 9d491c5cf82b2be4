"""Entering a stack's cloud, and what only the embedded Azure has: its directory, its pages, a shell's variables.

Not the embedded Azure itself, which is `azmlflow.localazure`.
"""
