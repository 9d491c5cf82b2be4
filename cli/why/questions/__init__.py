"""What an error's record asks the stack, each answered by a verdict: confirmed, not so, or unknown.

Questions read, and change nothing. Which errors there are, and what mends them, is in the table of records.
"""
