"""Microsoft Graph: the directory as clients read and change it.

The directory itself is in `principals`.
"""
