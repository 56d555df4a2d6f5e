"""How a command ends: 0 done, 1 failed, 2 wrong use, 130 interrupted; one line of reason, one of advice."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from densimeter.foundations.display import printable
from densimeter.foundations.errors import DataError, DensimeterError, Interrupted, SettingError, in_one_line

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""Any wrong use of the command line; typer carries this class and exports only what is derived from it."""

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


@contextmanager
def failures_as_exit_codes(debug: bool) -> Iterator[None]:
    """Errors inside the block are told in two lines on stderr and end the process with their exit code.

    With `debug` the traceback is printed as well.
    """
    try:
        yield
    except DensimeterError as error:
        _tell(error.reason, error.advice, debug)
        code = WRONG_USE if isinstance(error, DataError | SettingError) else FAILED
        raise typer.Exit(code) from error
    except BrokenPipeError:
        raise  # whoever read the output has gone: nothing is left to say
    except KeyboardInterrupt as error:
        said = error if isinstance(error, Interrupted) else Interrupted((), kept=False)
        _tell(said.reason, said.advice, debug)
        raise typer.Exit(INTERRUPTED) from error
    except MemoryError as error:
        _tell("out of memory", "give fewer rows or columns", debug)
        raise typer.Exit(FAILED) from error
    except OSError as error:
        what = ": ".join(str(part) for part in (error.filename, error.strerror) if part) or str(error)
        _tell(what, "check the disk and the permissions of the folder", debug)
        raise typer.Exit(FAILED) from error
    except Exception as error:
        reason = f"unexpected {type(error).__name__}: {in_one_line(error)}"
        _tell(reason, "this is a defect: run again with --debug and report the traceback", debug)
        raise typer.Exit(FAILED) from error


def tell_usage(error: Exception) -> int:
    """Wrong use of the command line, told like every other failure; its exit code."""
    command = getattr(getattr(error, "ctx", None), "command_path", "densimeter")
    reason = error.format_message() if hasattr(error, "format_message") else str(error)  # type: ignore[attr-defined]
    _tell(reason, f"see {command} --help", debug=False)
    return WRONG_USE


def _tell(reason: str, advice: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    typer.echo(printable(f"densimeter: {' '.join(reason.split())}"), err=True)
    typer.echo(printable(advice), err=True)
