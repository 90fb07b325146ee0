import os
import signal
import time
from pathlib import Path

import pytest

from tinytracker.errors import DatasetError, TinytrackerError
from tinytracker.study.workers import Task, run_side_by_side


def note(path: Path, name: str, seconds: float, progress) -> None:
    with path.open("a") as file:
        file.write(f"{name} begins\n")
    time.sleep(seconds)
    progress(1, 1)
    with path.open("a") as file:
        file.write(f"{name} ends\n")


def fail(progress) -> None:
    raise DatasetError("no people")


def die(progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_order_and_progress(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = [
        Task("second", note, (log, "second", 0.1), 3, after=("first",)),
        Task("first", note, (log, "first", 0.3), 5),
        Task("aside", note, (log, "aside", 0.1), 2),
    ]
    seen: list[tuple[int, int]] = []
    run_side_by_side(tasks, 2, lambda done, total: seen.append((done, total)))
    lines = log.read_text().splitlines()
    assert lines.index("first ends") < lines.index("second begins")
    assert lines.index("aside begins") < lines.index("second begins")
    assert len(lines) == 6
    assert seen[-1] == (10, 10)


@pytest.mark.parametrize(("function", "message", "code"), [(fail, "bad: no people", 3), (die, "SIGKILL", 1)])
def test_a_failure_ends_the_others(tmp_path: Path, function, message: str, code: int) -> None:
    log = tmp_path / "log"
    with pytest.raises(TinytrackerError, match=message) as caught:
        run_side_by_side([Task("bad", function, (), 1), Task("long", note, (log, "long", 60), 1)], 2)
    assert caught.value.exit_code == code
    assert "long ends" not in (log.read_text() if log.exists() else "")
