"""Who reaches what: from where a request comes, and whether the network lets it through to an endpoint.

Pure records and one function, `decide.decide`, over facts that are read from Resource Manager's documents; the embedded
Azure refuses by it, and `azmlflow reach` explains by it. It needs the standard library alone. Who may do what once a
request has arrived is `rbac`'s.
"""
