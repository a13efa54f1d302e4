"""Benchopt's terminal is pickled in one thread and written to in another."""

import pickle
import sys
import threading

import pytest
from benchopt.utils.terminal_output import TerminalOutput

from benchmark_utils.terminal import make_safe_to_pickle


def test_the_terminal_is_pickled_while_it_is_written_to():
    cloudpickle = pytest.importorskip("cloudpickle")  # what workers are sent things by
    make_safe_to_pickle()
    terminal, stop = TerminalOutput(3, False), threading.Event()
    interval = sys.getswitchinterval()

    def write():
        n = 0
        while not stop.is_set():
            n += 1
            terminal.status[f"solver {n}", n] = "done"
            if n % 1000 == 0:
                terminal.status.clear()

    thread = threading.Thread(target=write)
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        for _ in range(300):
            again = pickle.loads(cloudpickle.dumps(terminal))
            assert again.n_repetitions == 3
            assert set(again.status.values()) <= {"done"}
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
