"""`azmlflow local` and its groups: the embedded Azure on this machine.

Options and print only; the work is in `cli.local` and `azmlflow.localazure`.
"""
