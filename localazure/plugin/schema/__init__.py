"""Which resource types the plugin serves, and how inputs become what is sent, and back; what differs.

Nothing is sent from here.
"""
