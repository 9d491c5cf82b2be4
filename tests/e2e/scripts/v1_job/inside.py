# mypy: ignore-errors
"""In a job of SDK v1: its run, and what can be logged to it."""

import sys
from pathlib import Path

from azureml.core import Run

run = Run.get_context()
print("inside", run.id, run.experiment.name, type(run).__name__)
run.log("accuracy", 0.5)
run.log("accuracy", 0.75)
run.log_list("sizes", [1, 2, 3])
run.tag("kind", "inside")
Path("note.txt").write_text("from inside\n", encoding="utf-8")
run.upload_file("notes/note.txt", "note.txt")
run.flush()
print("argument", sys.argv[1], flush=True)
