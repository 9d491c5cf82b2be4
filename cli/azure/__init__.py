"""Azure Resource Manager as commands ask it: the client, a memory that many share, who is signed in.

Nothing of one command's own: what to ask for, and what follows from it, is the callers'.
"""
