"""The machine that the embedded Azure runs on: its state folder, the cache outside of every checkout, and how
its processes serve HTTP.

Nothing of Azure.
"""
