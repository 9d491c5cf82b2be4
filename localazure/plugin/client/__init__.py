"""The plugin as a client of Azure Resource Manager: sign-in, requests, operations waited for.

What is sent is made in `schema`.
"""
