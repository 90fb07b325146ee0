"""Whatever a page says: understood, or refused in one line; never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("starlette")

from tinytracker.engines.model import GazeModel
from tinytracker.errors import TinytrackerError, UsageError
from tinytracker.web.live import Live, LiveOptions
from tinytracker.web.messages import LARGEST_MESSAGE, Command, as_text
from tinytracker.web.obeying import COMMANDS

PAGE = Command('{"do": "page", "width": 1280, "height": 720, "scale": 1}')
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([0, -1, 1e308, 10**400, True]))
WORDS = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "auto", "5", "udp", "../x", "a\x00b", "x" * 300])
)
VALUES: Any = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    *("width", "height", "scale", "left", "top", "card", "card_px", "width_cm", "x_cm", "y_cm", "x", "y"),
    *(
        "dots",
        "pace",
        "number",
        "over",
        "thorough",
        "name",
        "video",
        "rows",
        "offset_ms",
        "jitter_ms",
        "source",
    ),
)
# LSL would speak to the whole network, and streams have tests of their own.
OBEYED = sorted(set(COMMANDS) - {"stream"})


def tried(action: Callable[[], Any]) -> tuple[Any, str]:
    """What an action gives, and "" or why it was refused; any other error is a bug."""
    try:
        return action(), ""
    except TinytrackerError as error:
        assert str(error), "refused without a word"  # noqa: PT017
        return None, str(error)


@given(st.text(max_size=200))
def test_any_text_is_a_command_or_refused(text: str) -> None:
    command, why = tried(lambda: Command(text))
    assert "\n" not in why
    assert why or isinstance(command.name, str)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_fields_are_of_their_kind_or_refused(fields: dict[str, Any]) -> None:
    command = Command(json.dumps({"do": "any", **fields}))
    for name in fields:
        for read in (command.number, command.positive, command.text, command.flag):
            value, why = tried(lambda read=read, name=name: read(name))  # type: ignore[misc]
            if why:
                assert name in why
                assert len(why) < 200
            else:
                assert value == fields[name]
                assert not isinstance(value, float) or np.isfinite(value)


def test_too_long_a_message_is_refused_before_it_is_read() -> None:
    with pytest.raises(UsageError, match="letters"):
        Command("[" * (LARGEST_MESSAGE + 1))


@given(VALUES)
def test_what_pages_are_told_is_json_whatever_the_numbers(value: Any) -> None:
    told = json.loads(as_text({"value": value}))
    assert set(told) == {"value"}


@pytest.fixture(scope="module")
def sitting(tmp_path_factory: pytest.TempPathFactory) -> Live:
    folder: Path = tmp_path_factory.mktemp("sittings")
    live = Live(LiveOptions(frames_by="browser", folder=folder))
    live._listener.close()
    live.server.desk.obey(PAGE)
    return live


@given(
    st.lists(
        st.tuples(st.sampled_from(OBEYED), st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)),
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_wish_is_done_or_refused(sitting: Live, wishes: list[tuple[str, dict[str, Any]]]) -> None:
    """In any order, with any fields: nothing but our own errors, and the sitting still answers."""
    desk = sitting.server.desk
    for name, fields in wishes:
        tried(lambda name=name, fields=fields: desk.obey(Command(json.dumps({"do": name, **fields}))))  # type: ignore[misc]
    for name in ("stop_recording", "stop_dots"):
        desk.obey(Command(json.dumps({"do": name})))
    desk.obey(PAGE)
    assert sitting.sitting.screen is not None
    json.loads(as_text(sitting.sitting.screen_message() | sitting.sitting.calibration_message()))


def test_the_networks_name_is_told(sitting: Live) -> None:
    assert sitting.sitting.network.name == GazeModel.load("tinytracker-eyes").card.name
