"""How a deployed model is asked: a request that fits its signature, its headers, and what an answer's status means.

Pure records and functions, which `azmlflow score`, `azmlflow deploy` and the pages of the embedded Azure share. It
needs the standard library alone. Who may ask is `rbac`'s; what answers is `localazure/serving`'s.
"""
