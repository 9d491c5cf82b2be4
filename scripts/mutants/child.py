"""mutmut, in a copy of the checkout: `scripts.mutants.child SEED SECONDS MODULES WORKERS` makes `results.json`.

Seconds bound the run: changes are drawn by the seed until the tests that try them would take as long, and what is then
under way at twice the time is stopped. 0: all of them. Modules: how the names of those wanted begin, `rbac.report`;
empty: all. Workers: how many changes are tried at a time.

mutmut has no interface for other operators or a sample, so this reaches into it; pyproject.toml pins its version.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import mutmut.__main__
import mutmut.mutation.file_mutation
from mutmut.mutation import mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.state import state
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from scripts.mutants.operators import OPERATORS, REPLACED

# Of these names are replaced, which a type checker does not like.
program: Any = mutmut.__main__
file_mutation: Any = mutmut.mutation.file_mutation
RESULTS = "results.json"
# Seconds that pytest takes to try a change, and the share of its tests' time that a change takes on average: the
# quickest come first, and the first that fails is the last.
_FORK, _SHARE = 0.3, 0.2
_MOST = 20.0  # seconds of tests for one change: one that the quick ones do not notice, whole commands seldom do
_MEMORY = 4 << 30  # a change that makes a loop endless must not take the machine's


def main(seed: int, seconds: float, modules: str, workers: int) -> None:
    """Change, try, and write down what became of each change that was tried."""
    kept = [each for each in mutators.mutation_operators if each[1].__name__ not in REPLACED]
    file_mutation.mutation_operators = [*kept, *OPERATORS]
    _limit()
    if seconds:
        _sample(seed, seconds)
    program._run((f"azmlflow.{modules}*",) if modules else (), workers)
    Path(RESULTS).write_text(json.dumps(_results()), encoding="utf-8")


def _limit() -> None:
    """Bound the memory of what runs tests, the type check's apart, which comes before, and the tests of a change.

    The quickest come first: most changes are noticed by them. (mutmut's fork server takes them in the order of a set.)
    """
    runner = program.get_mutant_runner

    def limited(workers: int) -> Any:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        made = runner(workers)
        submit = made.submit

        def quickest(name: str, tests: list[str], limit: int, seconds: float) -> None:
            chosen, takes = _quickest(tests)
            submit(name, chosen, limit - int(2 * (seconds - takes)), takes)  # what mutmut waits for, once and once more

        made.submit = quickest
        made.run_clean_tests = lambda tests: 0  # noqa: ARG005 - they passed when mutmut noted what each runs
        return made

    program.get_mutant_runner = limited


def _quickest(tests: list[str]) -> tuple[list[str], float]:
    """The tests that a change is tried on, in their order, and the seconds that they take."""
    durations = state().duration_by_test
    chosen: list[str] = []
    takes = 0.0
    for test in sorted(tests, key=lambda each: (durations[each], each)):
        if chosen and takes + durations[test] > _MOST:
            break
        chosen.append(test)
        takes += durations[test]
    return chosen, takes


def _sample(seed: int, seconds: float) -> None:
    """Have mutmut see a sample only, and stop it when it takes too long."""
    every, filtered = program.collect_source_file_mutation_data, program.filter_mutants_with_type_checker
    refused: set[str] = set()

    def filter_mutants() -> Any:
        found = filtered()
        refused.update(found)
        return found

    def collect(*, mutant_names: Any) -> Any:
        mutants, files = every(mutant_names=mutant_names)
        drawn, left = [], seconds
        random.Random(seed).shuffle(mutants)
        for mutant in mutants:
            if mutant[1] not in refused:
                left -= _FORK + _SHARE * min(_MOST, program.estimated_worst_case_time(mutant[1]))
            if left < 0:
                break
            drawn.append(mutant)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.alarm(int(2 * seconds))
        return drawn, files

    program.filter_mutants_with_type_checker = filter_mutants
    program.collect_source_file_mutation_data = collect


def _results() -> list[dict[str, str]]:
    """Place, change and end of each change that was tried."""
    found = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in data.exit_code_by_key.items():
            if code is None:
                continue
            end = status_by_exit_code[code]
            diff = get_diff_for_mutant(name, path=path) if end in ("survived", "no tests", "suspicious") else ""
            found.append({"module": str(path), "name": name, "end": end, "diff": diff})
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
