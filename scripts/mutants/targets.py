"""What is changed, and the tests that are to notice: one line a target.

A change is tried on those of a target's tests that run the changed function, so the tests named here are the quick
ones beside the code: end-to-end tests would notice more, hours later.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Modules, and the tests that hold them.

    Attributes:
        name: what `make mutants TARGET=...` calls it.
        modules: patterns of files, from the checkout's root.
        tests: files and folders of tests.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]


def _commands(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/cli/commands/test_{name}.py" for name in names)


_ACCESS = _commands("access", "grant", "revoke", "roles", "verify", "up", "ui")
# Never what ends processes (cli/pulumi/processes.py, the keeper of jobs): a change there may end everybody's.
TARGETS = (
    Target("rbac", ("rbac/*.py",), ("tests/rbac",)),
    Target("reach", ("reach/*.py",), ("tests/reach",)),
    Target("infra", ("infra/*.py",), ("tests/infra",)),
    Target("teardown", ("cli/teardown/*.py",), ("tests/cli/teardown", *_commands("down", "sweep"))),
    Target(
        "mending",
        ("cli/mending/*.py",),
        ("tests/cli/mending", "tests/cli/checks/test_network.py", *_commands("up", "grant")),
    ),
    Target("access", ("cli/access/*.py",), ("tests/cli/access", *_ACCESS)),
    Target("pulumi", ("cli/pulumi/[cdf]*.py", "cli/pulumi/progress.py", "cli/pulumi/stack.py"), ("tests/cli/pulumi",)),
    Target("arm", ("localazure/arm/*.py",), ("tests/localazure/arm", "tests/localazure/cloud/test_operations.py")),
    Target("enforcement", ("localazure/principals/enforce.py",), ("tests/localazure/principals/test_enforce.py",)),
    Target("plugin", ("localazure/plugin/*.py",), ("tests/localazure/plugin",)),
)
# Left out: they measure time, which a change's overhead and a busy machine spoil, start a browser, an engine or a
# process, read the sources, of which a changed copy is hundreds of times as long, take seconds for what others see too,
# or are hundreds of removals each.
DESELECTED = (
    "tests/cli/teardown/test_teardown.py::test_every_request_failed_in_every_way_ends_as_if_none_had",
    "tests/cli/teardown/test_teardown.py::test_stopped_after_every_request_and_typed_again",
    "tests/localazure/arm/test_engine.py",
    "tests/localazure/arm/test_large_tenant.py",
    "tests/localazure/plugin/schema/test_inputs.py::test_the_file_is_what_the_installed_sdk_says",
    "tests/localazure/plugin/test_engine.py",
    "tests/localazure/plugin/test_server.py::test_the_process_ends_when_the_engine_is_killed",
    "tests/rbac/report/test_access.py::test_a_whole_large_tenant_is_judged_and_each_pattern_compiled_once",
    "tests/rbac/test_patterns.py::test_many_wildcards_are_matched_in_linear_time",
    "tests/rbac/report/test_access_html.py::test_a_large_tenant_is_a_page_that_can_be_mailed",
    "tests/rbac/report/test_access_html.py::test_a_search_leaves_the_rows_that_match",
    "tests/rbac/report/test_access_html.py::test_a_cell_tells_its_reason_and_a_row_its_note",
    "tests/rbac/report/test_access_html.py::test_a_name_is_never_code",
    "tests/rbac/report/test_access_html.py::test_on_paper_there_is_no_search_box_and_the_head_repeats",
)
