"""`nir`: a spiking network for neuromorphic tools."""

from __future__ import annotations

from pathlib import Path

from tinytracker.cards import renamed
from tinytracker.errors import UsageError
from tinytracker.extras import need
from tinytracker.targets.options import Name
from tinytracker.targets.target import Caller, Target, Work


def export(model: Path, out: Path, caller: Caller, *, name: Name = None) -> None:
    """Writes NAME.nir."""
    need("torch", "export")
    need("nir", "nir")
    from tinytracker.models.checkpoint import load_card, load_network
    from tinytracker.models.retina import Retina
    from tinytracker.targets.nir.package import export_nir

    card = load_card(model)
    if card.output != "pupil_grid":
        raise UsageError(
            f"{model} is no spiking network: NIR holds neurons that integrate and fire, as "
            f"`tinytracker train retina` trains them; for this one: tinytracker export {model} "
            f"--target litert"
        )
    network = load_network(model)
    assert isinstance(network, Retina)
    path = out / f"{renamed(card, name).name}.nir"
    export_nir(network, path)
    caller.say(f"wrote {path} ({path.stat().st_size:,} bytes), for steps of one window")
    behind = network.filter
    caller.say(
        f"  behind it, on the host: a filter of {behind.length} windows with tau_synapse "
        f"{behind.tau_synapse.item():.3f}, tau_membrane {behind.tau_membrane.item():.3f}, scale "
        f"{behind.scale.item():.4f}; before there are so many, those there are weigh as much as all"
    )


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "nir",
            "NIR: neuromorphic tools and chips",
            export=Work(
                export,
                "a spiking network's checkpoint as .nir, for sinabs, Lava, snntorch and others",
                ("tinytracker export runs/retina/best.safetensors --target nir --out exported",),
            ),
        ),
    )
