"""Microsoft.Network: virtual networks and what stands in them, private endpoints, private DNS zones.

What the endpoints of other resources make of these networks, who reaches them, is decided elsewhere.
"""
