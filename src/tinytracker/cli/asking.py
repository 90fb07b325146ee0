"""Commands that ask targets: the targets' options become the command's own, and their words its help."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from tinytracker.errors import UsageError
from tinytracker.targets.target import Command, Parameter, Target, targets_that

logger = logging.getLogger(__name__)


def asks_targets(command: Command) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command's function, in place of its **options, the options of every target that does something
    for it.

    In the docstring `{targets}` becomes what each of them does, a line each, and `{examples}` their examples.
    """

    def with_options(function: Callable[..., Any]) -> Callable[..., Any]:
        targets = targets_that(command)
        own = inspect.signature(function, eval_str=True)
        parameters = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        parameters += _parameters(command, targets, {one.name for one in parameters})

        def called(**values: Any) -> Any:
            return function(**values)

        called.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        called.__doc__ = _doc(inspect.getdoc(function) or "", command, targets)
        return called

    return with_options


def refuse_options(command: Command, given: Mapping[str, Any]) -> None:
    """Raises UsageError if an option of a target was given where no target is asked."""
    for name, target in targets_that(command).items():
        work = target.work(command)
        for parameter in work.parameters if work is not None else ():
            if given.get(parameter.name) is not None:
                flag = parameter.flag.partition("/")[0]
                raise UsageError(f"{flag} is for {target.title}, {name}:...; leave it out")


def _parameters(command: Command, targets: dict[str, Target], taken: set[str]) -> list[inspect.Parameter]:
    """One for each name that the targets' options have. What was not given is None, whatever a target's
    default."""
    named: dict[str, list[tuple[str, Parameter]]] = {}
    for name, target in targets.items():
        work = target.work(command)
        for parameter in work.parameters if work is not None else ():
            first = named.get(parameter.name, [(name, parameter)])[0]
            if parameter.name in taken:
                logger.warning("%s of %s is left out: %s has it itself", parameter.flag, name, command)
            elif (parameter.kind, parameter.flag) != (first[1].kind, first[1].flag):
                logger.warning("%s of %s is left out: %s has another one", parameter.flag, name, first[0])
            else:
                named.setdefault(parameter.name, []).append((name, parameter))
    return [_parameter(declared) for declared in named.values()]


def _parameter(declared: list[tuple[str, Parameter]]) -> inspect.Parameter:
    first = declared[0][1]
    shown = {parameter.option.shown_default or _shown(parameter.default) for _, parameter in declared}
    option = typer.Option(
        first.flag,
        help=_help(declared),
        metavar=first.option.metavar,
        show_default=shown.pop() if len(shown) == 1 else False,
        min=first.option.min,
        max=first.option.max,
    )
    kind = first.kind | None
    return inspect.Parameter(
        first.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _help(declared: list[tuple[str, Parameter]]) -> str:
    """For whom the option is, and what it says; different words one after the other."""
    texts: dict[str, list[str]] = {}
    for target, parameter in declared:
        texts.setdefault(parameter.option.help, []).append(target)
    return " ".join(f"[{', '.join(targets)}] {text}" for text, targets in texts.items())


def _shown(default: Any) -> str | bool:
    """As help shows it; not None, no flag that is off, and no option that is needed."""
    return False if default in (None, inspect.Parameter.empty) or isinstance(default, bool) else str(default)


def _doc(doc: str, command: Command, targets: dict[str, Target]) -> str:
    works = [(target, work) for target in targets.values() if (work := target.work(command)) is not None]
    width = max(len(target.name) for target, _ in works)
    does = "\n".join(f"  {target.name:{width}}  {work.help}" for target, work in works)
    aliases = []
    for target, work in works:
        for alias, options in target.aliases.items():
            spelt = "".join(
                f" --{name.replace('_', '-')} {value}" for name, value in work.taken(options).items()
            )
            aliases.append(f"{alias} is {target.name}{spelt}")
    if aliases:
        does += f"\n  (also: {', '.join(aliases)})"
    examples = "\n".join(f"  {example}" for _, work in works for example in work.examples)
    return doc.replace("{targets}", f"\b\n{does}").replace("{examples}", examples)
