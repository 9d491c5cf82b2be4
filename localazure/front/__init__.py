"""What every request goes through before its service: proxy, certificate authority, middleware, faults by rule.

What is answered is in `services`.
"""
