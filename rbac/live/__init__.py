"""Access as a live cloud has it, read from Azure Resource Manager and Microsoft Graph.

The only part of rbac with I/O; nothing is decided here.
"""
