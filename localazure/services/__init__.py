"""One module for each of Azure's host names, and one for each local port: transport and routing, and no more.

What is answered is made in the rooms below.
"""
