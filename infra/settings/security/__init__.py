"""The settings of identities and keys, one file a group.

Who may do what is in `grants`, in the room above.
"""
