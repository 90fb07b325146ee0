"""Running several long tasks side by side in processes of their own, some of them only after others."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import SynchronizedArray
from typing import Any

from tinytracker.errors import TinytrackerError
from tinytracker.progress import Progress, no_progress

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Task:
    """function: importable by name; called with `arguments` and a progress callable as its last argument.
    steps: what its progress counts to. after: names of the tasks that must be done before it starts."""

    name: str
    function: Callable[..., None]
    arguments: tuple[Any, ...]
    steps: int
    after: tuple[str, ...] = ()


def run_side_by_side(tasks: Sequence[Task], jobs: int, progress: Progress = no_progress) -> None:
    """Runs tasks in at most `jobs` processes at once, earlier ones in the list first.

    An error of ours in one of them is raised here, and the others are stopped, as they are when this process
    is interrupted; what a task leaves behind then is what it would leave when killed.
    """
    context = multiprocessing.get_context("spawn")
    counters: SynchronizedArray[int] = context.Array("q", len(tasks))
    errors: SimpleQueue[tuple[str, str, int]] = context.SimpleQueue()
    waiting, done = list(tasks), set[str]()
    running: dict[str, BaseProcess] = {}
    total = sum(task.steps for task in tasks)
    try:
        while waiting or running:
            for task in [task for task in waiting if done.issuperset(task.after)][: jobs - len(running)]:
                waiting.remove(task)
                arguments = (task, tasks.index(task), counters, errors)
                running[task.name] = context.Process(
                    target=_work, args=arguments, name=task.name, daemon=True
                )
                running[task.name].start()
            next(iter(running.values())).join(POLL_SECONDS)
            for name, process in [
                (name, process) for name, process in running.items() if not process.is_alive()
            ]:
                _check(name, process, errors)
                del running[name]
                done.add(name)
            progress(sum(counters[:]), total)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()


def _work(
    task: Task, index: int, counters: SynchronizedArray[int], errors: SimpleQueue[tuple[str, str, int]]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def progress(done: int, total: int) -> None:
        counters[index] = task.steps * done // max(total, 1)

    try:
        task.function(*task.arguments, progress)
    except TinytrackerError as error:
        errors.put((task.name, str(error), error.exit_code))
        raise SystemExit(error.exit_code) from error


def _check(name: str, process: BaseProcess, errors: SimpleQueue[tuple[str, str, int]]) -> None:
    """Raises what ended a process, unless it ended well."""
    if process.exitcode == 0:
        return
    if not errors.empty():
        whose, message, exit_code = errors.get()
        error = TinytrackerError(f"{whose}: {message}")
        error.exit_code = exit_code
        raise error
    if process.exitcode is not None and process.exitcode < 0:
        reason = signal.Signals(-process.exitcode).name
        raise TinytrackerError(
            f"{name} was ended by {reason} (too little memory?); the same command goes on where it was"
        )
    raise RuntimeError(f"{name} failed with a bug of ours; its traceback is above")
