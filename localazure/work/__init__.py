"""What a job is: its record, command line, limits, nodes and quota, where its things lie, its run's token.

Nothing is run from here.
"""
