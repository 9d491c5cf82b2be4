"""How much memory a command has: `group` has the kernel hold it, where it lets us; `counted` adds up what can be seen,
`system_v` what lies in the kernel's own segments and queues, `nameless` what is in files that no folder shows.
"""
