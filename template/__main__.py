"""azmlflow's program. With more declared here it is a program of your own, and `azmlflow up` runs it as it is."""

from azmlflow.infra.__main__ import main

main()
