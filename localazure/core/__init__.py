"""What everything here is built on: documents, clock, errors, host names, OData, constants.

Nothing that knows of principals, resources or HTTP.
"""
