"""Jobs' environments built: which Python, which packages, pip in a process of its own.

What an environment asks for is read in `environments`.
"""
