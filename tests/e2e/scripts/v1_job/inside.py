"""In a job of SDK v1: its run, and what can be logged to it."""

import logging
import sys

from azureml.core import Run

run = Run.get_context()
print("inside", run.id, run.experiment.name, type(run).__name__)
run.log("accuracy", 0.5)
run.log("accuracy", 0.75)
run.log_list("sizes", [1, 2, 3])
run.tag("kind", "inside")
with open("note.txt", "w", encoding="utf-8") as note:
    note.write("from inside\n")
run.upload_file("notes/note.txt", "note.txt")
run.flush()
print("argument", sys.argv[1], flush=True)
