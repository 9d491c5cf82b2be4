"""One file a command, declared in `main.COMMANDS`: options, order of calls, what is printed.

Rooms by what they are for: `stack` (its life), `use` (working with it), `access`, `local` (the embedded Azure).
"""
