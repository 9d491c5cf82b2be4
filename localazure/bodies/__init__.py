"""What bodies of requests to Resource Manager have, by Azure's API, and that nothing of one is left out in silence.

What a kind makes of a body is in `kinds`.
"""
