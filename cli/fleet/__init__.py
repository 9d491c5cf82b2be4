"""Many stacks side by side, each by a command of its own; what a fleet is, is in `project/fleet.py`.

It knows no engine and no cloud: the commands of the single stacks do.
"""
