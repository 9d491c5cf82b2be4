"""SDK v1's remote section and MLflow Projects, by azureml-core and azureml-mlflow as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.estate import EXAMPLES, Estate

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"
SCRIPTS = Path(__file__).parent / "scripts"


def test_the_page_of_microsoft_runs_whole(estate: Estate) -> None:
    done = estate.science(OWNER, EXAMPLES / "remote_run_v1.py")
    for line in (
        "Streaming user_logs/std_log.txt",
        "step 2: loss 0.2",
        ": Completed",
        "metric hello_metric: 0.",
        "metric loss: [0.9, 0.4, 0.2]",
        "fetched helloworld.txt: hello world",
        "registered remote-run-v1, version 1, from run remote_run_v1_",
    ):
        assert line in done.out


def test_runs_that_log_by_themselves_fail_are_cancelled_or_stay_here(estate: Estate) -> None:
    done = estate.science(OWNER, SCRIPTS / "v1_runs.py")
    for line in (
        "metrics {'accuracy': [0.5, 0.75], 'sizes': [1.0, 2.0, 3.0]}",
        "tags inside",
        "files ['notes/note.txt']",
        " v1_runs _SubmittedRun', \"argument it's a word\"]",
        "failed True",
        "canceled Canceled",
        "seen True {'plain': 4.0}",
        "by tag [True]",
        "again Completed",
        "nowhere True",
        "local Completed {'accuracy': [0.5, 0.75]}",
        "local canceled Canceled",
    ):
        assert line in done.out
    assert (estate.folder / "home" / ".azureml").is_dir()  # where azureml-core caches: not the user's home


def test_a_project_runs_here_and_is_a_run_of_the_workspace(estate: Estate) -> None:
    done = estate.science(OWNER, EXAMPLES / "run_project.py")
    assert "step 2: loss 0.09" in done.out
    assert ": FINISHED, alpha 0.3, loss 0.09" in done.out
    assert "artifacts: outputs, user_logs" in done.out
