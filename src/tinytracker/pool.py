"""Work spread over the processes of this machine, never more than can help and none left behind, or over the
workers of a Dask cluster."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import starmap
from typing import Any

from tinytracker.errors import TinytrackerError, UsageError
from tinytracker.extras import need

DASK_ANSWERS_WITHIN_S = 15


def refuse_jobs(jobs: int) -> None:
    """Raises UsageError for a number of processes that is neither -1 (one per core) nor at least 1."""
    if jobs < 1 and jobs != -1:
        raise UsageError(f"--jobs must be at least 1, or -1 for one per core, not {jobs}")


def processes_for(jobs: int, tasks: int) -> int:
    """How many processes `jobs` of them are worth: not more than tasks, nor than cores. -1: one per core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores if jobs == -1 else jobs, cores, tasks))


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile never hear of Ctrl-C, which a terminal sends to all of them: this
    one does, and ends them. Else each would print a traceback."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a new process inherits
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run_on_cores(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], jobs: int, extra: str
) -> Iterator[Any]:
    """function(*task) of every task, as they are done, in `jobs` processes (see `processes_for`), each of one
    thread; in this process, if that is one.

    Relative paths mean what they mean to the caller. extra: what to install if joblib is not there. Raises
    what the function raises, TinytrackerError if the system kills a process; then, and when the caller stops
    early (Ctrl-C), the processes are ended.
    """
    processes = processes_for(jobs, len(tasks))
    if processes == 1:
        yield from starmap(function, tasks)
        return
    need("joblib", extra)
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    pool = Parallel(
        n_jobs=processes,
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch="2*n_jobs",
        backend="loky",
    )
    is_done = False
    try:
        with _deaf_to_interrupts():
            outcomes = pool(delayed(_call_in)(os.getcwd(), function, task) for task in tasks)
        yield from outcomes
        is_done = True
    except BrokenProcessPool as error:
        raise TinytrackerError(
            "a worker process was killed by the system, most likely for want of memory; what is done is "
            "kept: run the same "
            "command again, with fewer --jobs"
        ) from error
    finally:
        if not is_done:
            with suppress(Exception):  # whatever state it is in, it is to go
                get_reusable_executor().shutdown(wait=False, kill_workers=True)


def run_on_dask(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], scheduler: str
) -> Iterator[Any]:
    """function(*task) of every task, as they are done, on the workers of a Dask cluster.

    scheduler: its address. The workers need this package, and see the same folders by the same names. Raises
    UsageError if no scheduler answers there, and what the function raises.
    """
    need("dask.distributed", "dask")
    from dask import distributed

    untyped: Any = distributed
    try:
        client = untyped.Client(scheduler, timeout=DASK_ANSWERS_WITHIN_S)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {scheduler}; start one with `dask scheduler`, or use --jobs"
        ) from error
    with client:
        # Not by the arguments: a task that was done once may have lost its files since.
        for future in untyped.as_completed(
            client.map(_call, [(function, task) for task in tasks], pure=False)
        ):
            yield future.result()


def _call_in(folder: str, function: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    os.chdir(folder)  # a process kept from an earlier call may have been started elsewhere
    return _call((function, task))


def _call(work: tuple[Callable[..., Any], tuple[Any, ...]]) -> Any:
    import cv2

    cv2.setNumThreads(1)  # one worker, one core
    function, task = work
    return function(*task)
