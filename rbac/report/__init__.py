"""Access for people: the matrix, one cell explained, the page, what differs from the grants.

Pure: facts come from `live` or from a test.
"""
