"""The kind of jobs: what a submission may say, what of it can change later, and how jobs are listed.

How a job runs is in `runner`.
"""
