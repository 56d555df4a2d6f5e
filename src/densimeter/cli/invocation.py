"""What a user typed, in full: the line that does the same again."""

from __future__ import annotations

import shlex
from typing import Any

import typer

SAYS_NOTHING_OF_THE_RESULT = frozenset(
    {"quiet", "debug", "json_file", "plot_file", "report_file", "cache", "no_cache"}
)
"""Options that a result does not depend on."""

ALWAYS_TOLD = frozenset({"seed"})


def command_line(context: typer.Context) -> str:
    """The command with every option that was given another value than its default, and the seed.

    Options that change no number in the result are left out.
    """
    words = ["densimeter", context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        value = context.params.get(name)
        if parameter.param_type_name == "argument":
            words.append(str(value))
        elif name in SAYS_NOTHING_OF_THE_RESULT or value is None:
            continue
        elif name in ALWAYS_TOLD or value != parameter.default:
            words += _option(parameter.opts[0], value)
    return shlex.join(words)


def _option(flag: str, value: Any) -> list[str]:
    return [flag] if isinstance(value, bool) else [flag, str(value)]
