"""Writing that leaves nothing half-written, follows links, spares devices and clears what killed runs
left."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.errors import InputError, OutputError, UsageError
from tinytracker.files import (
    locked,
    refuse_missing,
    refuse_overlap,
    refuse_unwritable,
    write_bytes,
    write_text,
    written_aside,
)


def test_links_are_followed_and_devices_spared(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    (tmp_path / "dangling").symlink_to("made")
    write_text(tmp_path / "dangling", "made")
    assert (tmp_path / "made").read_text() == "made"
    write_bytes(Path("/dev/null"), b"x")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    os.mkfifo(tmp_path / "fifo")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "fifo").read_text()))
    reader.start()
    write_text(tmp_path / "fifo", "through")
    reader.join(timeout=10)
    assert read == ["through"]


def test_standard_output_in_a_file_is_not_replaced(tmp_path: Path) -> None:
    code = "from pathlib import Path; from tinytracker.files import write_text; write_text(Path('/dev/stdout'), 'rows')"  # noqa: E501
    with (tmp_path / "out").open("w") as out:
        inode = os.fstat(out.fileno()).st_ino
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)
    assert ((tmp_path / "out").read_text(), (tmp_path / "out").stat().st_ino) == ("rows", inode)


def test_a_full_disk_is_one_line_and_leaves_nothing(full_disk: Path) -> None:
    (full_disk / "x").write_text("old")
    with pytest.raises(OutputError, match=r"cannot write .*/x: No space left on device"):
        write_bytes(full_disk / "x", bytes(1_000_000))
    assert (full_disk / "x").read_text() == "old"
    assert [path.name for path in full_disk.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [(".", "is a folder"), ("x" * 256, "File name too long"), ("file/x", "Not a directory|exists")],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    for refuse in (refuse_unwritable, lambda path: write_text(path, "")):
        with pytest.raises(OutputError, match=reason):
            refuse(tmp_path / name)
    write_text(tmp_path / ("x" * 255), "as long as names may be")


def test_what_a_killed_run_left_is_cleared_but_not_what_is_being_written(tmp_path: Path) -> None:
    code = f"""
import os, signal; from pathlib import Path; from tinytracker.files import written_aside
with written_aside(Path({str(tmp_path / "x.bin")!r})) as aside:
    aside.write_bytes(bytes(100))
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    (stale,) = tmp_path.iterdir()
    os.utime(stale, (time.time() - 60,) * 2)
    with written_aside(tmp_path / "x.bin") as living:
        os.utime(living, (time.time() - 60,) * 2)
        write_text(tmp_path / "x.bin", "another run's")
        assert not stale.exists()
        assert living.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin"]


def test_a_place_is_locked_once(tmp_path: Path) -> None:
    with locked(tmp_path / ".lock", OutputError("in use")):
        with pytest.raises(OutputError, match="in use"), locked(tmp_path / ".lock", OutputError("in use")):
            pass
        assert (tmp_path / ".lock").exists()
    assert not (tmp_path / ".lock").exists()
    with locked(tmp_path / ".lock", OutputError("in use")):
        pass


def test_a_device_is_no_file_to_read(tmp_path: Path) -> None:
    """/dev/zero would be read into memory for ever."""
    (tmp_path / "rows.csv").symlink_to("/dev/zero")
    for path in (Path("/dev/zero"), tmp_path / "rows.csv"):
        with pytest.raises(InputError, match="is a device; expected rows"):
            refuse_missing(path, "rows")


def test_an_output_is_nobody_elses_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("")
    Path("link.csv").symlink_to("rows.csv")
    for outputs, inputs, told in (
        (["a.csv", "./a.csv"], [], "a.csv is given for two outputs"),
        (["rows.csv", "link.csv"], [], "link.csv is given for two outputs"),
        (["link.csv"], ["rows.csv"], "link.csv is read from, and would be overwritten"),
    ):
        with pytest.raises(UsageError, match=told):
            refuse_overlap([Path(one) for one in outputs], inputs)
    refuse_overlap([Path("a.csv"), None, Path("b.csv")], ["rows.csv", None, "rtsp://nowhere"])


@pytest.mark.parametrize(
    "line",
    [
        "compare rows.csv --html rows.csv",
        "compare rows.csv --csv a --markdown ./a",
        "measure --trace rows.csv --csv rows.csv",
        "calibrate me.mp4 --dots rows.csv --screen laptop.json --out rows.csv",
        "validate me.mp4 --calibration me.json --dots rows.csv --screen laptop.json --out rows.csv",
        "evaluate tinytracker --data dataset --csv a --plot a",
        "track-events rows.csv --csv rows.csv",
    ],
)
def test_commands_overwrite_nothing_that_they_read(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("t_s,mW\n")
    assert run(line.split()) == 2
    assert "rows.csv is read from" in (said := capsys.readouterr().err) or "two outputs" in said
    assert Path("rows.csv").read_text() == "t_s,mW\n"
