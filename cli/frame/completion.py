"""Completion in bash, by the line as it is typed.

Bash cuts a line into words at `@`, `:` and `=` too (`COMP_WORDBREAKS`), and click's own script takes these words for
arguments: after `grant alice@local.test` nothing more would be completed. So this one is given the line, and answers
with what bash puts in place of the last of its own words. (Bash manual, "Programmable Completion"; bash-completion cuts
its answers off likewise.)
"""

from __future__ import annotations

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

_SOURCE = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=',' read -r type value; do
        if [[ $type == dir ]]; then
            compopt -o dirnames
        elif [[ $type == file ]]; then
            compopt -o default
        elif [[ $type == plain ]]; then
            COMPREPLY+=("$value")
        fi
    done < <(env COMP_LINE="$COMP_LINE" COMP_POINT="$COMP_POINT" COMP_WORDBREAKS="$COMP_WORDBREAKS" \
%(complete_var)s=bash_complete "$1" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion for bash 4.4 and newer."""

    source_template = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is typed, and what there is of that."""
        typed = os.environ["COMP_LINE"].encode()[: int(os.environ["COMP_POINT"])].decode(errors="ignore")
        words = split_arg_string(typed)
        incomplete = "" if not words or typed[-1].isspace() else words.pop()
        return words[1:], incomplete

    def complete(self) -> str:
        """What bash may put in place of its last word: of ours without what stands before that."""
        args, incomplete = self.get_completion_args()
        cut = _before(incomplete, os.environ.get("COMP_WORDBREAKS", ""))
        found = self.get_completions(args, incomplete)
        return "\n".join(self.format_completion(_without(item, cut)) for item in found)


def register() -> None:
    """Have click answer bash by this module."""
    add_completion_class(Bash)


def _before(incomplete: str, breaks: str) -> str:
    """What of a word bash takes for words of their own, and leaves as it is."""
    ends = [at + 1 for at, letter in enumerate(incomplete) if letter in breaks and not letter.isspace()]
    return incomplete[: max(ends, default=0)]


def _without(item: CompletionItem[str], cut: str) -> CompletionItem[str]:
    if item.type == "plain" and item.value.lower().startswith(cut.lower()):
        return CompletionItem(item.value[len(cut) :], item.type, item.help)
    return item
