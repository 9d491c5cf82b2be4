"""What a process on this machine needs to reach the embedded Azure: requests to it, a process's environment.

What answers them is in `front` and `services`.
"""
