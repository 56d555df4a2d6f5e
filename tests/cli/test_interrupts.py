import os
import signal
import threading
from contextlib import suppress

import pytest

from densimeter.cli.interrupts import interruptible
from densimeter.foundations.progress import silent


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_is_raised_at_once():
    with pytest.raises(KeyboardInterrupt), interruptible():
        press_ctrl_c()


def test_an_interrupt_that_was_swallowed_is_raised_at_the_next_step():
    with interruptible() as interruption:
        with suppress(KeyboardInterrupt):
            press_ctrl_c()
        assert interruption.asked
        with pytest.raises(KeyboardInterrupt):
            interruption.heeded_by(silent)(1, 2)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def swallow_and_fail():
    with suppress(KeyboardInterrupt):
        press_ctrl_c()
    raise RuntimeError("a callback failed")


def test_an_interrupt_that_became_another_error_is_still_one():
    with pytest.raises(KeyboardInterrupt), interruptible():
        swallow_and_fail()


def test_other_errors_pass():
    with pytest.raises(RuntimeError), interruptible():
        raise RuntimeError


def test_progress_is_passed_on():
    heard = []
    with interruptible() as interruption:
        interruption.heeded_by(lambda *step: heard.append(step))(1, 2, "working")
        interruption.check()
    assert heard == [(1, 2, "working")]


def test_the_handler_of_before_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_are_left_alone():
    asked = []

    def work():
        with interruptible() as interruption:
            asked.append(interruption.asked)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [False]
