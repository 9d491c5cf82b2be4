"""What follows from settings alone, without Pulumi and without asking Azure: names, ids, tags, outputs' names.

Whatever declares a resource is in `components`.
"""
