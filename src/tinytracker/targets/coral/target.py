"""`coral`: Google's Edge TPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinytracker.costs.rows import CostRow
from tinytracker.findings import Finding
from tinytracker.targets.options import Name, OutputScale
from tinytracker.targets.target import Caller, Target, Work
from tinytracker.zoo import find_tflite


def lint(model: Path) -> list[Finding]:
    """Layer by layer, against the compiler's documented limits."""
    from tinytracker.targets.coral import lint as coral

    return coral.lint(model)


def export(
    model: Path, out: Path, caller: Caller, *, name: Name = None, output_scale_cm: OutputScale = None
) -> None:
    """Writes NAME.tflite and its card, and NAME_edgetpu.tflite where edgetpu_compiler is on PATH."""
    from tinytracker.targets.coral.compile import COMPILER
    from tinytracker.targets.coral.compile import export as export_for_tpu

    source = find_tflite(model, "--target coral").path
    made = export_for_tpu(source, out, source.stem if name is None else name, output_scale_cm)
    caller.say(
        f"wrote {made.path}: every layer is one that the Edge TPU maps, by its compiler's documented limits"
    )
    for change in made.changes:
        caller.say(f"  {change}")
    if made.change is not None:
        caller.say(f"  {made.change}")
        if made.card is not None and made.card.output == "gaze":
            caller.say(f"  a step is {made.change.step * made.card.output_scale_cm:.2f} cm of gaze")
    for finding in made.findings:
        caller.say(f"  {finding.severity}: {finding.layer}: {finding.message}; {finding.remedy}")
    if made.compilation is None:
        caller.say(
            f"not compiled: {COMPILER} is not on PATH (Google's package for x86-64 Debian; not with "
            "tinytracker). Run:"
        )
        caller.say(f"  {made.command}")
    else:
        compiled = made.compilation
        caller.say(f"compiled {compiled.path}")
        if compiled.on_tpu is not None:
            caller.say(f"  {compiled.on_tpu} operations on the Edge TPU, {compiled.on_cpu} on the processor")
        for line in compiled.memory:
            caller.say(f"  {line}")
    caller.say(
        f"then: tinytracker export {made.path.with_name(made.path.stem + '_edgetpu.tflite')} --target "
        "coralmicro"
    )


def bench(models: Sequence[str], caller: Caller) -> list[CostRow]:
    """The chain's time and energy, estimated; of the released gaze networks where none is named."""
    from tinytracker.targets.coral.bench import PLATFORM
    from tinytracker.targets.coral.bench import bench as estimate
    from tinytracker.zoo import find, list_released

    gaze = [name for name in list_released() if find(name).require_card().output == "gaze"]
    rows = estimate(models or gaze)
    for row in rows:
        if row.metric in ("end_to_end", "energy_chain"):
            caller.say(
                f"{row.network} on {PLATFORM}, {row.metric}: {row.low:.3g} to {row.high:.3g} {row.unit}, "
                f"{row.how}"
            )
        elif row.metric == "fits" and not row.value:
            caller.say(
                f"{row.network}: not all of its layers are the Edge TPU's; see tinytracker lint "
                f"{row.network} --target coral"
            )
    return rows


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "coral",
            "Google Coral's Edge TPU",
            aliases={"coral-edgetpu": {}},
            lint=Work(
                lint,
                "whether the Edge TPU maps every layer",
                ("tinytracker lint theirs.tflite --target coral",),
            ),
            bench=Work(
                bench,
                "the chain's time and energy, estimated from the paper's",
                ("tinytracker bench coral tinytracker",),
            ),
            export=Work(
                export,
                "what the Edge TPU's compiler takes, and compiled where that is on PATH",
                ("tinytracker export tinytracker --target coral --out tpu",),
            ),
        ),
    )
