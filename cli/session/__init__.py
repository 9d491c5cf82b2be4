"""The stack that a command is about, how the command answers, and its ways to the outside.

`collaborators` says what there is to reach; the real ones are made in `cli.wiring`.
"""
