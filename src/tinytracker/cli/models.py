"""`tinytracker models`: what is released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinytracker.cli.idle import refuse_idle

if TYPE_CHECKING:
    from tinytracker.cards import ModelCard


def models(
    name: Annotated[str | None, typer.Argument(help="A released network whose card to show whole.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the card as it is in its file.")] = False,
) -> None:
    """Lists the released networks, or shows the card of one.

    A card says what the network eats and gives, how large it is, what it was trained on, its errors and how
    they were obtained, its licence and its checksum. The weights lie in the package: nothing is downloaded.

    \b
    Examples:
      tinytracker models
      tinytracker models tinytracker-eyes
      tinytracker models tinytracker-eyes --json
    """
    from tinytracker.cards import card_path
    from tinytracker.cli.console import plain_console
    from tinytracker.zoo import find, list_released

    console = plain_console()
    if name is None:
        refuse_idle("without a network's name, whose card it prints", json=json)
        console.print(_table([find(released) for released in list_released()]))
        return
    weights = find(name)
    card = weights.require_card()
    if json:
        typer.echo(card_path(weights.path).read_text().rstrip())
    else:
        _show(card, console)


def _table(released: list[Any]) -> Any:
    from rich.table import Table

    table = Table(title="released networks", title_justify="left")
    for heading in ("name", "eats", "gives"):
        table.add_column(heading)
    for heading in ("parameters", "MAC", "bytes"):
        table.add_column(heading, justify="right")
    for weights in released:
        card = weights.require_card()
        counts = card.counts
        table.add_row(
            card.name,
            ", ".join(_input(spec) for spec in card.inputs),
            card.output,
            f"{counts.get('parameters', 0):,}",
            f"{counts.get('macs', 0):,}",
            f"{weights.path.stat().st_size:,}",
        )
    return table


def _input(spec: Any) -> str:
    size = f" {spec.width_px}x{spec.height_px} {spec.colour}" if spec.width_px else ""
    position = {"channels": "+xy", "baked": " (position baked in)", "none": ""}[spec.position]
    return f"{spec.kind}{size}{position}"


def _show(card: ModelCard, console: Any) -> None:
    """The card, a line per field, nested fields indented."""
    console.print(f"{card.name} ({card.family}, {card.number_format}), gives {card.output}")
    for spec in card.inputs:
        console.print(f"  eats {_input(spec)}")
    for title in ("counts", "data", "results", "recipe"):
        _section(title, getattr(card, title), console, indent=2)
    for title in ("caution", "licence", "sha256"):
        if text := getattr(card, title):
            console.print(f"  {title}: {text}")


def _section(title: str, value: Any, console: Any, indent: int) -> None:
    if isinstance(value, dict):
        if value:
            console.print(f"{' ' * indent}{title}")
        for key, inner in value.items():
            _section(key, inner, console, indent + 2)
    else:
        shown = (
            f"{value:,}"
            if isinstance(value, int)
            else f"{value:.4g}"
            if isinstance(value, float)
            else str(value)
        )
        console.print(f"{' ' * indent}{title}: {shown}")
