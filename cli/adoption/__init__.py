"""Taking over a workspace that was made by hand: what the settings say of it, and its import into a stack's state.

What stays whose after it is Pulumi's state's and `teardown`'s business.
"""
