"""Jobs as processes: taken to a node, given their files, run, and what they leave kept.

What a job is lies in `work`; how its process is held in `keeper`.
"""
