"""The settings of a workspace's computes, one file a kind.

What they have in common with other settings is in the room above.
"""
