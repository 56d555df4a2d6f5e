"""Results come in the order of the items, whoever computes them, and nothing is left behind."""

import os
import threading
import time

import pytest

from densimeter.mixture.workers import in_order


@pytest.mark.parametrize("n_items", [0, 1, 2, 50])
def test_results_come_in_order(n_items):
    def slowest_first(i):
        time.sleep(0.002 * (i % 3 == 0))
        return i * i

    assert list(in_order(range(n_items), slowest_first)) == [(i, i * i) for i in range(n_items)]


def test_the_caller_works_too_and_alone_draws_items():
    drawers, workers = set(), set()

    def items():
        for i in range(40):
            drawers.add(threading.get_ident())
            yield i

    def compute(i):
        workers.add(threading.get_ident())
        time.sleep(0.001)

    list(in_order(items(), compute))
    assert drawers == {threading.get_ident()}
    assert threading.get_ident() in workers
    assert len(workers) > 1


def test_few_items_are_drawn_ahead():
    drawn = []

    def items():
        for i in range(1000):
            drawn.append(i)
            yield i

    results = in_order(items(), lambda i: i)
    next(results)
    assert len(drawn) < 1000
    results.close()


@pytest.mark.parametrize("wrong", [0, 7, 19])
def test_an_error_reaches_the_caller_and_the_next_pass_works(wrong):
    def compute(i):
        if i == wrong:
            raise ValueError(i)
        return i

    with pytest.raises(ValueError, match=str(wrong)):
        list(in_order(range(20), compute))
    assert [result for _, result in in_order(range(5), abs)] == list(range(5))


def test_two_threads_share_the_helpers():
    results = {}

    def work(name):
        results[name] = [result for _, result in in_order(range(100), lambda i: (name, i))]

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {name: [(name, i) for i in range(100)] for name in "ab"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning", "ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_helpers_of_its_own():
    list(in_order(range(3), abs))
    child = os.fork()
    if child == 0:  # nothing of pytest may run here
        in_time = threading.Timer(20, os._exit, [1])
        in_time.start()
        right = [result for _, result in in_order(range(30), abs)] == list(range(30))
        os._exit(0 if right else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
