"""The Blob service over HTTP: its operations, who may do them, headers and XML.

What is kept, and how, is in `blobs`.
"""
