"""The vocabulary of Azure Resource Manager: what a kind is, what a path names, where documents are found.

What happens to a resource is in `arm`; what a type is like is in `kinds`.
"""
