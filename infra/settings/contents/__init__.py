"""The settings of what a workspace holds beside its computes, one file a kind.

What they have in common with other settings is in the room above.
"""
