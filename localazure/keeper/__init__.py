"""Processes held to their limits and ended whole, as users of their own: jobs' and builds' alike.

What runs, and why, is in `runner` and `builder`.
"""
