"""OpenTofu with an azurerm that is on this machine; both are looked for, nothing is fetched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.estate import Done, Estate

STACK = Path(__file__).parent / "opentofu" / "main.tf"
# The embedded Azure is done at once: without this the provider waits ten seconds and more before it looks.
AT_ONCE = {"GO_AZURE_SDK_SKIP_POLLING_DELAY": "true"}
NEEDS = "needs `tofu` (or AZMLFLOW_TOFU, its path) and terraform-provider-azurerm (or AZMLFLOW_AZURERM)"


@dataclass(frozen=True)
class Tofu:
    """A folder with a configuration, and the programs that work on it under `azmlflow run`."""

    estate: Estate
    folder: Path
    program: Path

    def words(self, *words: str) -> list[str]:
        """The command line of `tofu WORDS`, without colours."""
        return [str(self.program), f"-chdir={self.folder}", *words, "-no-color"]

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that it wants beside those of `azmlflow run`."""
        return {**AT_ONCE, "TF_CLI_CONFIG_FILE": str(self.folder / "tofu.rc")}

    def run(self, *words: str, fails: bool = False) -> Done:
        """Run `tofu WORDS`."""
        ours = ("azmlflow", "run", "--without-stack", "--")
        return self.estate.command(*ours, *self.words(*words), fails=fails, extra=self.variables)


def programs() -> tuple[Path, Path] | None:
    """OpenTofu and the folder of azurerm, or None where one of them is not found."""
    tofu = os.environ.get("AZMLFLOW_TOFU") or shutil.which("tofu")
    azurerm = os.environ.get("AZMLFLOW_AZURERM") or shutil.which("terraform-provider-azurerm")
    if not tofu or not azurerm or not Path(tofu).is_file() or not Path(azurerm).is_file():
        return None
    return Path(tofu), Path(azurerm).parent


def at(estate: Estate, folder: Path) -> Tofu:
    """The stack of this folder, laid into another one, with the provider that was found."""
    found = programs()
    assert found is not None, NEEDS
    program, provider = found
    folder.mkdir()
    shutil.copy(STACK, folder)
    overrides = f'provider_installation {{\n  dev_overrides {{\n    "hashicorp/azurerm" = "{provider}"\n  }}\n}}\n'
    (folder / "tofu.rc").write_text(overrides)
    return Tofu(estate, folder, program)
