"""What people type: the command `azmlflow`.

Here stands only the entry: `main` (the group, errors to exit codes) and `wiring` (the real collaborators).
What a command does lies in the rooms below it; `frame` is the lowest.
"""
