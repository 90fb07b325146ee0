"""What a target is: a platform that runs networks, described once in a `target.py`; the commands ask it for
the rest.

A folder of this room with a `target.py` is found by looking; other packages register theirs under the entry
point group `tinytracker.targets`. Either way it is a function `targets() -> Iterable[Target]`. `--help` calls
every one: a target.py imports nothing heavy, its functions import what they need when they are called.

What a target can do is a `Work`: a function and the words about it. The function's keyword-only parameters
are its options on the command line, by their own names, types and defaults:

    def export(
        model: Path, out: Path, caller: Caller, *, cpu: Annotated[str, Option("The core.")] = "portable"
    ) -> None: ...

    def targets() -> Iterable[Target]:
        return (Target("mine", "My board", export=Work(export, "C for my board")),)
"""

from __future__ import annotations

import inspect
import logging
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tinytracker.errors import UsageError
from tinytracker.progress import Progress, Stages, no_progress
from tinytracker.results import Table
from tinytracker.targets.plugins import modules_in, registered, warn_once

if TYPE_CHECKING:
    from tinytracker.cards import ModelCard
    from tinytracker.data.dataset import Dataset
    from tinytracker.tracking.pipeline import GazePipeline
    from tinytracker.tracking.sources import Source

logger = logging.getLogger(__name__)

ENTRY_POINTS = "tinytracker.targets"
Command = Literal["lint", "export", "deploy", "bench", "simulate", "track", "evaluate"]


def _open_dataset(paths: Sequence[Path]) -> Dataset:
    from tinytracker.data.dataset import Dataset

    return Dataset.open(paths)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for a target's work. As made by default it hears nothing and never says stop.

    say: takes a sentence or a table, as the work goes on. bar: of a title, gives the context of a progress
    bar. open_dataset: opens one or several joined. stop: whether the work shall end at the next good place.
    """

    say: Callable[[str | Table], None] = lambda told: None
    bar: Callable[[str], AbstractContextManager[Progress]] = lambda title: nullcontext(no_progress)
    open_dataset: Callable[[Sequence[Path]], Dataset] = _open_dataset
    stop: Callable[[], bool] = lambda: False

    @contextmanager
    def stages(self) -> Iterator[Stages]:
        """Yields told(what, done, total): a bar for each stage of some work, one after the other."""
        with ExitStack() as stack:
            current = ""
            update: Progress = no_progress

            def told(what: str, done: int, total: int) -> None:
                nonlocal current, update
                if what != current:
                    stack.close()
                    current, update = what, stack.enter_context(self.bar(what))
                update(done, total)

            yield told


@dataclass(frozen=True, slots=True)
class Live:
    """Tracking with the network in the target. source: the target's frames, not entered yet; entered anew
    after a failure. pipeline: what makes gaze of them. tell: says, after the run, what the target itself went
    through. card: of the network that runs there; None: not known, so that nobody can calibrate it."""

    source: Source
    pipeline: GazePipeline
    tell: Callable[[Caller], None]
    card: ModelCard | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """What a keyword parameter's `Annotated` says to the command line, beside its name, type and default.

    shown_default: in words, where the default is None or needs explaining. min, max: of a number. flag: how a
    bool is written where that is not --NAME, as "--predict/--no-predict".
    """

    help: str
    metavar: str | None = None
    shown_default: str | None = None
    min: float | None = None
    max: float | None = None
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option of a work: `kind` is its type without None, such as int or list[Path]."""

    name: str
    kind: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str:
        return self.option.flag or f"--{self.name.replace('_', '-')}"

    @property
    def is_needed(self) -> bool:
        """Whether it has no default."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that a target can do for a command.

    call: what does it; see `Target` for what each command hands over, options follow by keyword. help: what
    comes of it, in a line. examples: command lines.
    """

    call: Callable[..., Any]
    help: str
    examples: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The options: the keyword-only parameters of `call` that are annotated with an Option."""
        return tuple(_parameters(self.call))

    def taken(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Of some options those that this work takes."""
        names = {parameter.name for parameter in self.parameters}
        return {name: value for name, value in options.items() if name in names}


def _parameters(call: Callable[..., Any]) -> Iterator[Parameter]:
    for parameter in inspect.signature(call, eval_str=True).parameters.values():
        if (
            parameter.kind is not parameter.KEYWORD_ONLY
            or typing.get_origin(parameter.annotation) is not Annotated
        ):
            continue
        kind, *notes = typing.get_args(parameter.annotation)
        option = next((note for note in notes if isinstance(note, Option)), None)
        if option is not None:
            yield Parameter(parameter.name, _without_none(kind), parameter.default, option)


def _without_none(kind: Any) -> Any:
    """`str | None` -> str."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    left = [part for part in typing.get_args(kind) if part is not type(None)]
    return left[0] if len(left) == 1 else kind


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that runs networks.

    name: its key on every command line. title: for a reader. aliases: other spellings, each with the options
    it stands for. What it can do, None where it cannot; each takes what stands here and its own options by
    keyword:

    - lint(model: Path) -> list[findings.Finding]: whether the target runs the network, layer by layer
    - export(model: Path, out: Path, caller: Caller): a checkpoint, .tflite or released name -> files under
      `out`
    - deploy(folder: Path, caller: Caller): on the target's own computer, what export wrote -> what the target
      takes
    - bench(models: Sequence[str], caller: Caller) -> list[CostRow]: what a gaze costs; tells it,
      and gives it as rows (`costs.rows`)
    - simulate(video: str | None, model: Path | None, caller: Caller): the target's whole path on this
      computer
    - track(place: str, options: TrackOptions, caller: Caller) -> Live: for a source that is spelt NAME:PLACE
    - evaluate(place: str, data: Sequence[Path], split: str, caller: Caller) -> list[Row]: errors of the
      network as it runs on the board NAME:PLACE; no row if it was stopped before the first
    """

    name: str
    title: str
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lint: Work | None = None
    export: Work | None = None
    deploy: Work | None = None
    bench: Work | None = None
    simulate: Work | None = None
    track: Work | None = None
    evaluate: Work | None = None

    def work(self, command: Command) -> Work | None:
        """What the target does for a command; None where it does nothing."""
        work: Work | None = getattr(self, command)
        return work


@dataclass(frozen=True, slots=True)
class Asked:
    """A target's work as a user named it. spoken: as in the command line. options: those that the name itself
    stands for."""

    spoken: str
    target: Target
    work: Work
    options: Mapping[str, Any]

    def call(self, *handed: Any, given: Mapping[str, Any]) -> Any:
        """Does the work with the options that were given, those that are not None.

        Raises UsageError for one that the work does not take or that contradicts the name, and what the work
        raises.
        """
        chosen = {name: value for name, value in given.items() if value is not None}
        taken = {parameter.name: parameter for parameter in self.work.parameters}
        for name in chosen:
            flag = f"--{name.replace('_', '-')}"
            if name not in taken:
                raise UsageError(f"{flag} means nothing to {self.spoken}; leave it out")
            if self.options.get(name, chosen[name]) != chosen[name]:
                meant = f"{self.target.name} with {flag} {self.options[name]}"
                raise UsageError(f"{self.spoken} stands for {meant}, which contradicts {flag} {chosen[name]}")
        options = {**self.options, **chosen}
        for parameter in taken.values():
            if parameter.is_needed and parameter.name not in options:
                raise UsageError(f"{self.spoken} needs {parameter.flag}: {parameter.option.help}")
        return self.work.call(*handed, **options)


def find_targets() -> dict[str, Target]:
    """Every target by its name: the ones of this room, then those that other packages register."""
    targets: dict[str, Target] = {}
    for called, target in _found():
        if not isinstance(target, Target) or target.name in targets:
            what = f"the name {target.name} is taken" if isinstance(target, Target) else "it is no Target"
            warn_once(logger, f"{called} is left out: {what}")
            continue
        targets[target.name] = target
    return targets


def _found() -> Iterator[tuple[str, Any]]:
    """(where it comes from, what is said to be a target)."""
    for module in modules_in("tinytracker.targets", Path(__file__).parent, "target"):
        yield from ((module.__name__, target) for target in module.targets())
    for called, thing in registered(ENTRY_POINTS):
        try:
            found = list(thing())
            for target in found:
                for command in typing.get_args(Command) if isinstance(target, Target) else ():
                    work = target.work(command)
                    _ = work and work.parameters  # a name that its annotations do not find shows here
        except Exception as error:  # whatever the other package's code raises
            warn_once(logger, f"{called} is left out: {error}")
            continue
        yield from ((called, target) for target in found)


def targets_that(command: Command) -> dict[str, Target]:
    """The targets that do something for a command."""
    return {name: target for name, target in find_targets().items() if target.work(command) is not None}


def ask(command: Command, name: str, told: str = "there is no target {name!r}") -> Asked:
    """The work of the target that is called `name`, or has that alias; raises UsageError naming those that
    there are.

    told: how the error begins.
    """
    targets = targets_that(command)
    for target in targets.values():
        if name == target.name or name in target.aliases:
            work = target.work(command)
            assert work is not None
            meant = work.taken(target.aliases.get(name, {}))
            return Asked(f"--target {name}" if command in ("lint", "export") else name, target, work, meant)
    raise UsageError(f"{told.format(name=name)}; expected one of {', '.join(targets)}")
