"""What a storage account consists of: its blob service with the containers in it, and its file service.

One file a kind; the account itself is in `foundation`.
"""
