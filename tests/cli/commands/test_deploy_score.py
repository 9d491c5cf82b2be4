"""`azmlflow deploy` and `azmlflow score`, over an embedded Azure in this process and a stand-in for MLflow's client."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli import main
from azmlflow.cli.commands.use import deploy
from azmlflow.cli.local import entering
from azmlflow.cli.session.collaborators import Collaborators
from azmlflow.cli.session.invocation import Invocation
from azmlflow.resourcetypes.bounds import NAMES
from tests.cli.desk import OUTPUTS, Desk, Done
from tests.cli.endpoints.site import ENDPOINT, WORKSPACE, Site, make
from tests.cli.wire import Response
from tests.localazure.control import BLUE, Azure

MODEL: Mapping[str, Any] = {
    "logged": True,
    "function": True,
    "mlflow": "2.22.5",
    "inputs": [{"type": "double", "name": "age"}],
    "conda": "dependencies: [python=3.11, pip, {pip: [mlflow==2.22.5]}]",
}


class Science:
    """A data scientist at a desk, whose Python knows one model."""

    def __init__(self, desk: Desk, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk, self.site = desk, site
        self.versions = ["1", "2", "10"]
        self.models = ["wine"]
        desk.settings()
        desk.stand_whole()
        desk.stack.held = dataclasses.replace(desk.stack.held, outputs={**OUTPUTS, "workspaceId": WORKSPACE})
        self.python = desk.root / "python"
        self.knows(MODEL)
        monkeypatch.setattr(entering, "start", lambda *_: None)
        monkeypatch.setattr(entering, "child_environment", lambda *_: {})

    def knows(self, told: Mapping[str, Any], pip: int = 0, said: str = "") -> None:
        """Stands for an interpreter: MLflow's client tells this, and pip says that."""
        self.python.write_text(
            f"#!{sys.executable}\nimport sys\n"
            f"if 'pip' in sys.argv: sys.stderr.write({said!r}); sys.exit({pip})\n"
            f"if '-c' not in sys.argv: print({json.dumps(told)!r})\n"
        )
        self.python.chmod(0o755)

    def type(self, *words: str) -> Done:
        def connect() -> Collaborators:
            arm = self.site.arm
            listed = arm.list

            def models(path: str, *args: Any, **more: Any) -> Any:
                # Of MLflow's registry, which is not here.
                if path.endswith(tuple(f"/models/{name}/versions" for name in self.models)):
                    return tuple({"name": version} for version in self.versions)
                return () if "/models/" in path else listed(path, *args, **more)

            arm.list = models  # type: ignore[method-assign]
            return dataclasses.replace(self.desk.connect(), open_arm=lambda: arm)

        code = main.run(list(words), Invocation(connect=connect))
        out, err = self.desk.read()
        assert "Traceback" not in err
        return Done(code, out, err)

    def deploy(self, *words: str) -> Done:
        return self.type("deploy", *words, "--python", str(self.python))


@pytest.fixture
def science(desk: Desk, azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Science:
    return Science(desk, make(azure), monkeypatch)


def test_the_last_version_is_deployed_and_said_how_it_is_asked(science: Science) -> None:
    done = science.deploy("wine", "--endpoint", "wine")
    assert done.code == 0, done.err
    first, second, third = done.out.splitlines()
    assert first == "wine:10 answers at https://wine.westeurope.inference.ml.azure.com/score"
    assert second == "a sample request is answered [1.5]"
    assert third.startswith("curl https://wine.westeurope.inference.ml.azure.com/score") and "$KEY" in third
    assert "azureml-model-deployment" not in third
    assert science.site.deployments() == ["version-10"]


def test_an_endpoint_of_the_settings_gets_its_traffic_from_them(science: Science) -> None:
    model = "{model: wine, version: '2', traffic: 100}"
    science.desk.settings(
        text=f"config:\n  azmlflow:cloud: local\n  azmlflow:endpoints: [{{name: wine, deployments: [{model}]}}]\n"
    )
    done = science.deploy("wine", "--endpoint", "wine")
    assert done.code == 1
    assert "the endpoint `wine` is declared in the settings, and `up` gives it its traffic" in done.err
    assert "azmlflow set 'endpoints[0].deployments[0].version' 10 --stack local" in done.err
    assert "making endpoint" not in done.err
    assert "wine:10 answers at" in science.deploy("wine", "--endpoint", "other").out
    assert science.deploy("wine", "--endpoint", "wine", "--no-traffic").code == 0


def test_another_model_on_an_endpoint_is_another_deployment(science: Science) -> None:
    science.models.append("beer")
    assert science.deploy("wine:2", "--endpoint", "wine").code == 0
    done = science.deploy("beer:2", "--endpoint", "wine", "-o", "json")
    told = json.loads(done.out)
    assert told["traffic"] == {"beer-2": 100}
    assert (told["gone"], science.site.deployments()) == (["version-2"], ["beer-2"])


def test_a_deployment_that_answers_requests_gets_no_other_model_in_place(science: Science) -> None:
    assert science.deploy("wine:2", "--endpoint", "wine", "--deployment", "blue").code == 0
    for words in ((), ("--no-traffic",)):
        done = science.deploy("wine:10", "--endpoint", "wine", "--deployment", "blue", *words)
        assert done.code == 1
        assert "wine/blue answers requests with wine:2" in done.err
        assert "azmlflow deploy wine:10 --deployment NAME" in done.err
    assert str(science.site.azure.arm("GET", f"{ENDPOINT}/deployments/blue").body).count("/versions/2'") == 1
    assert science.deploy("wine:2", "--endpoint", "wine", "--deployment", "blue", "--count", "2").code == 0
    assert science.deploy("wine:1", "--endpoint", "wine", "--deployment", "green", "--no-traffic").code == 0
    assert science.deploy("wine:10", "--endpoint", "wine", "--deployment", "green").code == 0


def test_machines_that_are_not_there(science: Science) -> None:
    done = science.deploy("wine", "--endpoint", "wine", "--size", "Standard_DS3")
    assert "there are no machines for it: westeurope offers no Standard_DS3; did you mean STANDARD_DS3_V2?" in done.err
    done = science.deploy("wine", "--endpoint", "wine", "--count", "7")
    assert "28 more vCPUs are needed, and 24 are free (https://ml.azure.com/quota)" in done.err
    assert "making endpoint" not in done.err


def test_the_result_as_json(science: Science) -> None:
    done = science.deploy("wine:2", "--endpoint", "wine", "--auth", "entra", "-o", "json")
    told = json.loads(done.out)
    assert told["traffic"] == {"version-2": 100}
    assert json.loads(told["sample"]) == {"input_data": {"columns": ["age"], "index": [0], "data": [[0.0]]}}
    assert science.site.endpoint()["properties"]["authMode"] == "AADToken"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("beer",), "there is no registered model `beer`"),
        (("../wine",), "there is no registered model `../wine`"),
        (("wine:4",), "the model `wine` has no version 4; its last is 10"),
        (("wine", "--endpoint", "9wine"), "`9wine` is no name of an endpoint"),
        (("wine", "--deployment", "ab"), "`ab` is no name of a deployment"),
    ],
)
def test_what_is_refused_before_anything_is_made(science: Science, words: tuple[str, ...], told: str) -> None:
    done = science.deploy(*words)
    assert done.code == 1 and told in done.err
    assert not any(call.startswith("PUT") for call in science.site.calls)


@pytest.mark.parametrize(
    ("model", "pip", "said", "told"),
    [
        ({"logged": False}, 0, "", "MLflow did not log it"),
        ({**MODEL, "function": False}, 0, "", "it has no python_function flavor"),
        (MODEL, 1, "ERROR: No matching distribution found for nope==1", "cannot be built: No matching distribution"),
    ],
)
def test_a_model_that_cannot_be_served(
    science: Science, model: Mapping[str, Any], pip: int, said: str, told: str
) -> None:
    science.knows(model, pip, said)
    done = science.deploy("wine")
    assert done.code == 1 and told in done.err
    assert not any(call.startswith("PUT") for call in science.site.calls)


def test_what_is_only_told(science: Science) -> None:
    science.knows({**MODEL, "inputs": None, "conda": None})
    done = science.deploy("wine", "--endpoint", "wine")
    assert done.code == 0
    assert "wine:10 has no signature" in done.err
    assert "it is not known whether the environment can be built: it has no conda.yaml" in done.err
    science.knows({**MODEL, "inputs": [{"type": "any", "name": "x"}]}, 1, "ERROR: no")
    done = science.deploy("wine:2", "--endpoint", "wine", "--unchecked")
    assert done.code == 0 and "no sample request can be made" in done.err


def test_without_the_right_nothing_is_made(science: Science) -> None:
    science.site.azure.assign("alice@local.test", "Reader", WORKSPACE)
    science.site.who = "alice@local.test"
    done = science.deploy("wine")
    assert done.code == 1 and "you may not deploy here" in done.err
    assert "onlineEndpoints/write" in done.err and "onlineEndpoints/read" not in done.err
    assert not any(call.startswith("PUT") for call in science.site.calls)


@pytest.mark.parametrize("model", ["wine", "My_Model 2", "9lives", "x", "A-Very-Long-Name--Of-A-Model-Indeed-It-Is"])
def test_an_endpoint_is_called_after_its_model(model: str) -> None:
    import re

    names = {deploy.default_name(model, workspace) for workspace in (WORKSPACE, f"{WORKSPACE}2")}
    pattern = NAMES["Microsoft.MachineLearningServices/workspaces/onlineEndpoints"]
    assert len(names) == 2 and all(re.fullmatch(pattern, name) for name in names)


def test_a_file_is_scored(science: Science, tmp_path: Path) -> None:
    science.site.azure.make(ENDPOINT, BLUE)
    (path := tmp_path / "request.json").write_text('{"input_data": [1]}')
    done = science.type("score", "wine", str(path))
    assert (done.code, done.out) == (0, "[1.5]\n")
    assert done.err.startswith("curl https://wine.westeurope") and "$KEY" in done.err
    asked = science.type("score", "wine", str(path), "--deployment", "blue", "-o", "json")
    assert json.loads(asked.out) == {"endpoint": "wine", "answer": [1.5]}
    assert science.site.scored[-1].headers["azureml-model-deployment"] == "blue"


def test_standard_input_is_scored_and_an_answer_that_is_no_json_shown(
    science: Science, monkeypatch: pytest.MonkeyPatch
) -> None:
    science.site.azure.make(ENDPOINT, BLUE)
    science.site.predict = lambda _request: Response(200, b"fine")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1]")))
    done = science.type("score", "wine", "-", "-o", "json")
    assert json.loads(done.out)["answer"] == "fine"
    assert science.site.scored[-1].content == b"[1]"


def test_what_cannot_be_scored(science: Science, tmp_path: Path) -> None:
    (path := tmp_path / "request.json").write_text("{x")
    done = science.type("score", "wine", str(path))
    assert done.code == 1 and "the request is not JSON" in done.err
    assert "cannot be read" in science.type("score", "wine", str(tmp_path / "none")).err
    path.write_text("{}")
    assert "no online endpoint `wine`; there are none" in science.type("score", "wine", str(path)).err
    science.site.azure.make(ENDPOINT)
    assert "no online endpoint `beer`; there are: wine" in science.type("score", "beer", str(path)).err
    assert science.site.scored == []
