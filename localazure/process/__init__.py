"""The embedded Azure's process: put together, started, stopped, filled with who is there from the start.

The only room that knows all others.
"""
