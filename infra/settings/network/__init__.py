"""The setting `network`: who reaches a workspace, and whom it reaches.

What else a stack may set is in the room above.
"""
