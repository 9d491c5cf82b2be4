"""The machine that the embedded Azure runs on: its state folder, and the cache outside of every checkout.

Nothing of Azure.
"""
