"""How a command ends: 0 done, 1 failed, 2 wrong use, 130 interrupted; one line of reason, one of advice."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from densimeter.foundations.errors import DataError, DensimeterError, SettingError

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
    except KeyboardInterrupt as error:
        _tell("interrupted", "nothing was written; run the same command again for the same result", debug)
        raise typer.Exit(INTERRUPTED) from error
    except MemoryError as error:
        _tell("out of memory", "give fewer rows or columns", debug)
        raise typer.Exit(FAILED) from error
    except OSError as error:
        _tell(str(error), "check the disk and the permissions of the folder", debug)
        raise typer.Exit(FAILED) from error
    except Exception as error:
        reason = f"unexpected {type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        _tell(reason, "this is a defect: run again with --debug and report the traceback", debug)
        raise typer.Exit(FAILED) from error


def _tell(reason: str, advice: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    typer.echo(f"densimeter: {' '.join(reason.split())}", err=True)
    typer.echo(advice, err=True)
