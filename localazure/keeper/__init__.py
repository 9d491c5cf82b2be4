"""Processes held to their limits and ended whole, as users of their own: jobs' and builds' alike.

Three kinds of process, each with fewer rights than the one before it (ARCHITECTURE.md says what each may do):

    warden     one, started by the embedded Azure with a fixed environment; as root where that is root's
    keeper     one a job, forked off the warden: the job's user, its folder, its processes, their end
    the rest   the job's command, builds, and the porter that moves the job's files: the job's user alone

`warden`, `keeper`, `numbers`, `lending`, `ending`, `watch`, `command` and `memory/` run with root's rights and know
nothing of a submission but numbers and names of our own; `porter` has none of them. `users`, `place` and `process` are
the embedded Azure's side. What runs, and why, is in `runner` and `builder`.
"""
