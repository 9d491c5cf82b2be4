"""The activity log of the subscription: what Resource Manager was asked to write, delete and do, by whom, and what came
of it. Here belong what is kept of a request, how it is told as Azure's events, and which of them a filter asks for.
Who is asked, and whether he may, is `arm`'s.
"""
