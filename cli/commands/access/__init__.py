"""Commands about who may do what: grant, revoke, roles, access, verify.

Options and print only; the work is in `cli.access`, `cli.proof` and `azmlflow.rbac`.
"""
