"""Pulumi components: one file each, typed arguments in, outputs out.

They read no settings file and make up no names: both are handed to them.
"""
