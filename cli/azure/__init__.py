"""How commands speak to Azure: Resource Manager's client and its policies, the typed errors of an answer, who is
signed in.

Nothing of one command's own: what to ask for, and what follows from it, is the callers'. Nothing here imports Azure's
packages before somebody asks: they cost half a second.
"""
