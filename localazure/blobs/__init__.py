"""Block blobs as they are kept: names, content, accounts, signatures.

The Blob service's HTTP is in `blobservice`.
"""
