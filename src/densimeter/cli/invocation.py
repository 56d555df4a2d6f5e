"""What a user typed, in full: the line that does the same again."""

from __future__ import annotations

import shlex
from typing import Any

import click

SAYS_NOTHING_OF_THE_RESULT = frozenset(
    {"quiet", "debug", "json_file", "plot_file", "report_file", "cache", "no_cache"}
)
"""Options that a result does not depend on."""

ALWAYS_TOLD = frozenset({"seed"})


def command_line(context: click.Context) -> str:
    """The command with every option that was given another value than its default, and the seed.

    Options that change no number in the result are left out.
    """
    words = ["densimeter", context.info_name or ""]
    for parameter in context.command.params:
        name, value = parameter.name or "", context.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif name not in SAYS_NOTHING_OF_THE_RESULT and (name in ALWAYS_TOLD or value != parameter.default):
            words += _option(parameter, value)
    return shlex.join(words)


def _option(parameter: click.Parameter, value: Any) -> list[str]:
    flag = parameter.opts[0]
    return [flag] if isinstance(value, bool) else [flag, str(value)]
