"""The figures in the released networks' cards come out again, by the very commands that stand there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer

from tinytracker.cli.app import build, run, with_whole_name
from tinytracker.errors import ModelError
from tinytracker.evaluation.again import FIGURES, MAY_DIFFER, Again, commands, eye_commands, headline
from tinytracker.results import read_rows
from tinytracker.zoo import find, list_released

FROM_HISTORY = re.compile(
    r"git show (?P<commit>[0-9a-f]{7,40}):(?P<from>src/tinytracker/released/[\w.-]+) > (?P<file>[\w./-]+)"
)
CHECKOUT = Path(__file__).parents[2]
SMALL, WHOLE = "again in small", "unseen rendered people"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: the people of the few are rendered once, and found there by the next network's
    commands."""
    return tmp_path_factory.mktemp("again")


@pytest.mark.parametrize("name", list_released("gaze", "eyes", "pupil"))
def test_a_small_figure_comes_out_again(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = find(name).require_card().results
    if SMALL not in results:
        pytest.skip(f"{name}'s card has no figure to be obtained again; benchmarks/release.py --again {name}")
    again = Again.of(results[SMALL])
    monkeypatch.chdir(place)
    for line in again.arguments():
        assert run(line) == 0, line
    row = headline(read_rows(Path(FIGURES)), name)
    assert (row.metric, row.unit) == (again.metric, again.unit)
    assert row.value == pytest.approx(again.value, rel=MAY_DIFFER)


def test_commands_are_of_the_network_they_stand_with() -> None:
    for name in list_released("gaze", "eyes"):
        for title in (SMALL, WHOLE):
            content = find(name).require_card().results.get(title, {})
            content = content.get("again", content) if title == WHOLE else content
            if "commands" in content:
                assert Again.of(content).commands[-1] == commands(name, "")[-1]
    for name in list_released("pupil"):
        results = find(name).require_card().results
        for content in (results[SMALL], results["unseen rendered eyes"]["again"]):
            assert Again.of(content).commands[-1] == eye_commands(name, "")[-1]


@pytest.mark.parametrize("name", list_released("gaze", "eyes", "pupil"))
def test_commands_that_make_the_weights_are_ours(name: str) -> None:
    """Every option is one that there is; all training is from weights of the history or, where the lines
    fetch none, from fresh ones, the last by the card itself."""
    lines = find(name).require_card().data.get("commands")
    if lines is None:
        pytest.skip(f"{name}'s card has no commands of its weights; benchmarks/release.py --made-by")
    starts, recipes = set(), []
    for line in lines:
        if found := FROM_HISTORY.fullmatch(line):
            starts.add(found["file"])
            assert not has_history() or git("cat-file", "-e", f"{found['commit']}:{found['from']}"), line
            assert not has_history() or git("merge-base", "--is-ancestor", found["commit"], "HEAD"), line
            continue
        command, options = parsed(line)
        if command == "train":
            recipes.append(options["recipe"])
            assert options["start"] in (starts or {None})
    assert recipes[-1].endswith(f"{name}.json")


def has_history() -> bool:
    """Whether this is a checkout with all that came before it."""
    return git("rev-parse", "HEAD") and not (CHECKOUT / ".git" / "shallow").exists()


def git(*arguments: str) -> bool:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True).returncode == 0


def test_commands_of_the_documents_training_are_ours() -> None:
    """Every option of every line in docs/training.md is one that there is."""
    text = (CHECKOUT / "docs" / "training.md").read_text()
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]
    ours = [parsed(line)[0] for line in lines if line.startswith("tinytracker ")]
    assert {"synth", "prepare", "train", "export"} <= set(ours)
    with pytest.raises(typer.TyperException, match="no-such"):
        parsed("tinytracker synth people --no-such 3")


def parsed(line: str) -> tuple[str, dict[str, Any]]:
    """A command line's command and what its options are read as; raises where it would be refused."""
    program, *words = shlex.split(line)
    command, *arguments = with_whole_name(words)
    assert program == "tinytracker"
    group: Any = typer.main.get_command(build([command]))
    return command, group.commands[command].make_context(command, arguments).params


def test_half_a_figure_is_refused() -> None:
    whole = Again(commands("eye-locator", "--people 3"), "landmarks_median", 2.0, "%").as_dict()
    assert Again.of(whole).arguments()[0] == ["synth", "people", "--people", "3"]
    del whole["value"]
    with pytest.raises(ModelError, match="not whole"):
        Again.of(whole)
    with pytest.raises(ModelError, match="no figure of nobody"):
        headline([], "nobody")
