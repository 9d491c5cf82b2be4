"""Container registries, and the regions that they are copied to.

One file a kind. No image is served here.
"""
