"""Finding what azmlflow made across subscriptions, and removing many groups side by side.

The removal of one group is in `teardown`.
"""
