"""A request to the data plane: which workspace it is about, what its body says, how it is refused.

No service's own words.
"""
