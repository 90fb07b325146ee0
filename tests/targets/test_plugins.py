"""A target and a board that tinytracker has never heard of: a folder or a package is enough, and no line of
ours changes."""

from __future__ import annotations

import csv
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinytracker.cli import app as cli
from tinytracker.targets.mcu.boards import find_boards
from tinytracker.targets.target import ask, find_targets

MODEL = "tinytracker-s"
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("arm-none-eabi-gcc", "qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not there (make toolchain)",
)

TARGET_PY = """
from pathlib import Path
from typing import Annotated

from tinytracker.costs.rows import CostRow
from tinytracker.results import Table
from tinytracker.findings import Finding, Severity
from tinytracker.targets.target import Option, Target, Work


def lint(model):
    return [Finding("model", Severity.WARNING, f"{model} is large for an abacus", "use fewer beads")]


Beads = Annotated[int, Option("How many beads.", min=1)]


def export(model, out, caller, *, beads: Beads = 10, rods: Annotated[bool, Option("")] = False):
    from tinytracker.files import write_text

    write_text(out / "abacus.txt", f"{model} on {beads} beads")
    caller.say(f"wrote {out / 'abacus.txt'}")


def bench(models, caller):
    how = {"unit": "ms", "how": "estimated", "source": "counting"}
    rows = [CostRow("abacus", name, "inference", 1e9, **how) for name in models]
    told = [(row.network, f"{row.value:.0f}") for row in rows]
    caller.say(Table("on an abacus", ("network", "ms"), told, numbers=(1,)))
    return rows


def targets():
    return [
        Target(
            "abacus",
            "An abacus",
            aliases={"abacus-long": {"beads": 99}},
            lint=Work(lint, "whether it can be counted"),
            export=Work(export, "beads to push", ("tinytracker export x --target abacus",)),
            bench=Work(bench, "time"),
        )
    ]
"""

UNRESOLVED = """
from __future__ import annotations
from tinytracker.targets.target import Target, Work

def lint(model: Nowhere): ...

def targets(): return [Target("unresolved", "mine", lint=Work(lint, ""))]
"""

NEEDY = """
from typing import Annotated
from tinytracker.targets.target import Option, Target, Work

Number, Text = Annotated[int, Option("")], Annotated[str, Option("")]

Beads = Annotated[int, Option("How many beads.")]

def export(model, out, caller, *, beads: Beads, cpu: Number = 1, target: Text = ""):
    caller.say(f"{beads} beads, cpu {cpu}")

def targets(): return [Target("needy", "Needy", export=Work(export, "beads"))]
"""

BOARD_PY = """
from pathlib import Path

from tinytracker.targets.mcu.board import KB, Board, BoardCamera, Project

BOARD = Board(
    name="matchbox",
    title="Matchbox M4",
    cpu="cortex-m4",
    clock_mhz=100,
    flash_bytes=512 * KB,
    ram_bytes=256 * KB,
    source="the back of the box",
    camera=BoardCamera(160, 120),
    projects=(Project("plain", (Path(__file__).parent / "plain",), "matchbox", host_port="/dev/ttyMATCH"),),
)
"""


def installed(folder: Path, name: str, module: str, source: str, group: str, attribute: str) -> None:
    """A distribution as pip leaves it: the package, and what its metadata says."""
    package, about = folder / module, folder / f"{name}-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}:{attribute}\n")


def ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process asks the targets for their options once, when a command is imported."""
    for command in ("export", "lint", "bench"):
        monkeypatch.delitem(sys.modules, f"tinytracker.cli.{command}", raising=False)


@pytest.fixture
def abacus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings a target, on the path."""
    site = tmp_path / "site"
    installed(site, "abacus", "abacus_target", TARGET_PY, "tinytracker.targets", "targets")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "abacus_target", raising=False)
    ask_anew(monkeypatch)
    return site


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code, and all that was printed in one line."""
    code = cli.run([str(argument) for argument in arguments])
    told = capsys.readouterr()
    return code, " ".join((told.out + told.err).split())


class TestTarget:
    def test_help_has_it_and_its_options(self, abacus: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(abacus), *filter(None, sys.path)])}
        command = [sys.executable, "-m", "tinytracker", "export", "--help"]
        told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout
        assert "abacus       beads to push" in told
        assert "tinytracker export x --target abacus" in told
        assert "abacus-long is abacus --beads 99" in told
        assert "[abacus] How many beads." in " ".join(told.split())

    def test_commands_ask_it(self, abacus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "out"
        code, told = run(capsys, "lint", MODEL, "--target", "abacus")
        assert (code, told) == (
            0,
            f"warning: model: {MODEL} is large for an abacus; use fewer beads abacus can run {MODEL}",
        )
        assert run(capsys, "export", MODEL, "--target", "abacus", "--beads", 7, "--out", out)[0] == 0
        assert (out / "abacus.txt").read_text() == f"{MODEL} on 7 beads"
        code, told = run(capsys, "bench", "abacus", MODEL, "--csv", tmp_path / "costs.csv")
        assert code == 0
        assert "on an abacus" in told
        assert (
            "1000000000" in (tmp_path / "costs.csv").read_text()
            or "1e+09" in (tmp_path / "costs.csv").read_text()
        )

    def test_aliases_stand_for_options(
        self, abacus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(capsys, "export", MODEL, "--target", "abacus-long", "--out", tmp_path)[0] == 0
        assert (tmp_path / "abacus.txt").read_text().endswith("99 beads")
        code, told = run(capsys, "export", MODEL, "--target", "abacus-long", "--beads", 5, "--out", tmp_path)
        assert code == 2
        assert "--target abacus-long stands for abacus with --beads 99, which contradicts --beads 5" in told

    def test_its_options_are_not_the_others(
        self, abacus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for flag in (["--beads", 5], ["--rods"]):
            code, told = run(capsys, "export", MODEL, "--target", "mcu", *flag, "--out", tmp_path)
            assert code == 2
            assert f"{flag[0]} means nothing to --target mcu; leave it out" in told
        code, told = run(capsys, "export", MODEL, "--target", "abacus", "--cpu", "m4", "--out", tmp_path)
        assert code == 2
        assert "--cpu means nothing to --target abacus" in told
        assert run(capsys, "export", MODEL, "--target", "abacus", "--beads", 0)[0] == 2

    def test_as_the_docs_have_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        page = (Path(__file__).parents[2] / "docs" / "targets.md").read_text()
        board, target = (block.split("```")[0] for block in page.split("```python\n")[1:])
        installed(tmp_path, "abacus", "abacus_docs", target, "tinytracker.targets", "targets")
        installed(tmp_path, "nucleo", "nucleo_docs", board, "tinytracker.boards", "BOARD")
        monkeypatch.syspath_prepend(tmp_path)
        ask_anew(monkeypatch)
        code, told = run(capsys, "lint", MODEL, "--target", "abacus")
        assert code == 6
        assert "bytes; use fewer beads" in told
        assert (
            run(capsys, "export", MODEL, "--target", "abacus", "--beads", 7, "--out", tmp_path / "out")[0]
            == 0
        )
        assert (tmp_path / "out" / "abacus.txt").read_text() == f"{MODEL} on 7 beads\n"
        code, told = run(capsys, "lint", MODEL, "--target", "nucleo-f746")
        assert code == 0
        assert "note: ST Nucleo-F746ZG: fits:" in told

    def test_an_option_without_a_default_is_needed_and_a_taken_name_is_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """--cpu is a name of mcu's, and --target the command's own: both keep theirs."""
        installed(tmp_path, "needy", "needy_target", NEEDY, "tinytracker.targets", "targets")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}

        def export(*options: str) -> subprocess.CompletedProcess[str]:
            command = [
                sys.executable,
                "-m",
                "tinytracker",
                "export",
                "tinytracker-s",
                "--target",
                "needy",
                *options,
            ]
            return subprocess.run(command, capture_output=True, text=True, env=environment)

        done = export()
        assert done.returncode == 2
        assert "--target needy needs --beads: How many beads." in done.stderr
        assert "--cpu of needy is left out: mcu has another one" in done.stderr
        assert "--target of needy is left out: export has it itself" in done.stderr
        assert export("--beads", "3").stdout == "3 beads, cpu 1\n"

    def test_a_fault_is_told_once(self, tmp_path: Path) -> None:
        """A command asks the targets several times; who installed a broken package reads it once."""
        installed(tmp_path, "broken", "broken_target", "import nothing", "tinytracker.targets", "targets")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
        command = [sys.executable, "-m", "tinytracker", "lint", MODEL, "--target", "litert"]
        told = subprocess.run(command, capture_output=True, text=True, env=environment).stderr
        assert told.count("broken of broken cannot be loaded: No module named 'nothing'") == 1

    def test_from_python(self, abacus: Path, tmp_path: Path) -> None:
        """Without a command line: a caller that hears nothing."""
        from tinytracker.targets.target import Caller

        ask("export", "abacus").call(Path(MODEL), tmp_path, Caller(), given={})
        assert (tmp_path / "abacus.txt").read_text() == f"{MODEL} on 10 beads"

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ("import nothing_of_this_name", "nothing_of_this_name"),
            ("def targets(): raise OSError('the shop is closed')", "the shop is closed"),
            ("def targets(): return ['mcu']", "it is no Target"),
            (UNRESOLVED, "name 'Nowhere' is not defined"),
            (
                "from tinytracker.targets.target import Target as T\ndef targets(): return [T('mcu', "
                "'mine')]",
                "mcu is taken",
            ),
        ],
    )
    def test_a_broken_one_is_told_and_left_out(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        source: str,
        told: str,
    ) -> None:
        installed(tmp_path, "broken", "broken_target", source, "tinytracker.targets", "targets")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "broken_target", raising=False)
        with caplog.at_level(logging.WARNING):
            found = find_targets()
        assert found["mcu"].title == "any microcontroller"
        assert told in caplog.text
        assert "broken" in caplog.text


@pytest.fixture
def matchbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of boards with one board in it."""
    board = tmp_path / "boards" / "matchbox"
    (board / "plain").mkdir(parents=True)
    (board / "board.py").write_text(BOARD_PY)
    (board / "plain" / "README.md").write_text("# @MODEL@ on a matchbox\n\n@FEED@\n@ASSEMBLY@\n")
    monkeypatch.setenv("TINYTRACKER_BOARDS", str(tmp_path / "boards"))


@pytest.mark.usefixtures("matchbox")
class TestBoard:
    def test_lint_tells_it_among_all_and_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, told = run(capsys, "lint", MODEL, "--target", "mcu")
        assert code == 0
        assert "note: Matchbox M4: fits:" in told
        code, told = run(capsys, "lint", MODEL, "--target", "matchbox")
        assert code == 0
        assert told.endswith(f"matchbox can run {MODEL}")
        assert "Pico" not in told

    def test_export_writes_its_project(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, told = run(capsys, "export", MODEL, "--target", "matchbox", "--out", tmp_path / "out")
        assert code == 0, told
        folder = tmp_path / "out" / "matchbox"
        assert {"README.md", "gaze_model.c", "gaze_link.c", "gaze_feed.c", "gaze_region.h"} <= set(
            os.listdir(folder)
        )
        assert "160 x 120" in (folder / "gaze_region.h").read_text()
        readme = (folder / "README.md").read_text()
        assert f"# {MODEL} on a matchbox" in readme
        assert "--board serial:/dev/ttyMATCH" in readme
        assert "@" not in readme

    @emulated
    def test_bench_has_it_among_all_and_alone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for arguments, others in ((["mcu", MODEL, "--boards"], True), (["matchbox", MODEL], False)):
            code, told = run(capsys, "-q", "bench", *arguments, "--csv", tmp_path / "fit.csv")
            assert code == 0, told
            with (tmp_path / "fit.csv").open(newline="") as file:
                targets = {row["platform"] for row in csv.DictReader(file)}
            assert "matchbox" in targets
            assert ("pico" in targets) == others
            assert "matchbox" in told

    def test_help_names_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        for command in ("lint", "bench", "export"):
            environment = dict(os.environ)
            call = [sys.executable, "-m", "tinytracker", command, "--help"]
            told = subprocess.run(call, capture_output=True, text=True, env=environment, check=True).stdout
            assert "matchbox " in told


def test_a_board_from_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, "matchbox", "matchbox_board", BOARD_PY, "tinytracker.boards", "BOARD")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "matchbox_board", raising=False)
    assert find_boards()["matchbox"].source == "the back of the box"
    assert find_targets()["matchbox"].title == "Matchbox M4"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("BORED = 1", "gives no board"),
        (BOARD_PY.replace("cortex-m4", "z80"), "the core 'z80' is unknown; expected one of cortex-m0plus"),
    ],
)
def test_a_broken_board_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
    told: str,
) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "board.py").write_text(content)
    monkeypatch.setenv("TINYTRACKER_BOARDS", str(tmp_path))
    code, said = run(capsys, "lint", MODEL, "--target", "mcu")
    assert code == 3
    assert told in said
    assert "odd/board.py" in said


def test_a_folder_of_boards_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TINYTRACKER_BOARDS", "nowhere")
    code, told = run(capsys, "lint", MODEL, "--target", "mcu")
    assert code == 3
    assert "TINYTRACKER_BOARDS names nowhere, which is no folder" in told


def test_every_limit_of_a_board_has_its_source() -> None:
    assert all(board.source for board in find_boards().values())
