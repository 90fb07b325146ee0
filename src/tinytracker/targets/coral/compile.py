"""A network for the Edge TPU: rewritten, checked, and compiled where the vendor's compiler is on PATH."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from tinytracker.cards import ModelCard, card_path, name_fault, write_card
from tinytracker.engines.infer import card_of
from tinytracker.errors import TargetError, UsageError
from tinytracker.files import sha256, write_bytes
from tinytracker.findings import Finding, refuse
from tinytracker.targets.coral.change import Change, measure
from tinytracker.targets.coral.lint import lint_graph
from tinytracker.targets.coral.rewrite import Rewritten, rewrite
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import Weights

COMPILER = "edgetpu_compiler"
TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Compilation:
    """What the vendor's compiler made. on_tpu, on_cpu: operators, by its own account; None where it said
    nothing of them. memory: its lines about the chip's memory."""

    path: Path
    on_tpu: int | None
    on_cpu: int | None
    memory: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EdgeTpuNetwork:
    """path: the .tflite that is ready for the compiler; card: what lies beside it, None if there is none to
    be had. change: of the outputs by the rewriting, None where nothing was rewritten. compilation: None where
    the compiler is not on PATH; command: what to run then."""

    path: Path
    card: ModelCard | None
    changes: tuple[str, ...]
    change: Change | None
    findings: tuple[Finding, ...]
    compilation: Compilation | None
    command: str


def export(source: Path, out: Path, name: str, output_scale_cm: float | None = None) -> EdgeTpuNetwork:
    """Writes OUT/NAME.tflite, its card, and OUT/NAME_edgetpu.tflite if edgetpu_compiler is there.

    output_scale_cm: what an output of 1 stands for, so that a network without a card gets one.
    Raises ModelError if the source is no .tflite; TargetError, naming the layers, if the Edge TPU cannot run
    all of it, or if the compiler fails.
    """
    if fault := name_fault(name):
        raise UsageError(f"--{fault}")
    original = source.read_bytes()
    rewritten = rewrite(original, name)
    findings = lint_graph(read_graph(rewritten.content, name))
    refuse(
        findings, f"the Edge TPU cannot run all of {name} (tinytracker lint --target coral names every layer)"
    )
    change = measure(original, rewritten.content) if rewritten.changes else None
    path = out / f"{name}.tflite"
    write_bytes(path, rewritten.content)
    card = _card(source, output_scale_cm)
    if card is not None:
        card = _write_card(card, path, name, rewritten, change)
    line = [COMPILER, "--show_operations", "--out_dir", str(out), str(path)]
    compilation = compile_file(line, path) if shutil.which(COMPILER) else None
    return EdgeTpuNetwork(
        path, card, rewritten.changes, change, tuple(findings), compilation, shlex.join(line)
    )


def _card(source: Path, output_scale_cm: float | None) -> ModelCard | None:
    weights = Weights(source)
    return None if weights.card is None and output_scale_cm is None else card_of(weights, output_scale_cm)


def _write_card(
    card: ModelCard, path: Path, name: str, rewritten: Rewritten, change: Change | None
) -> ModelCard:
    results = dict(card.results)
    if change is not None:
        results["edge_tpu"] = {"changes": list(rewritten.changes), "compared": str(change)}
    counts = {**card.counts, "bytes": len(rewritten.content)}
    written = replace(card, name=name, counts=counts, results=results, sha256=sha256(path))
    write_card(written, card_path(path))
    return written


def compile_file(command: list[str], path: Path) -> Compilation:
    """Runs the compiler on what `export` wrote; raises TargetError with its own words if it fails."""
    compiled = path.with_name(f"{path.stem}_edgetpu.tflite")
    compiled.unlink(missing_ok=True)  # of an earlier run
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(
            f"{COMPILER} does not run: {error}; {path} is ready for it: {shlex.join(command)}"
        ) from error
    said = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    if done.returncode != 0 or not compiled.is_file():
        reason = next(
            (line for line in said if re.search(r"fail|error|invalid|abort", line, re.I)),
            said[-1] if said else "",
        )
        raise TargetError(
            f"{COMPILER} made no {compiled.name} (exit code {done.returncode}): "
            f"{reason or 'it said nothing'}; "
            f"{path} is as it was given"
        )
    total = _number(done.stdout, "Total number of operations")
    on_tpu = _number(done.stdout, "Number of operations that will run on Edge TPU")
    on_cpu = _number(done.stdout, "Number of operations that will run on CPU")
    if on_tpu is None and total is not None:  # said only where some are left to the processor
        on_tpu, on_cpu = total, 0
    return Compilation(compiled, on_tpu, on_cpu, tuple(line for line in said if "chip memory" in line))


def _number(text: str, words: str) -> int | None:
    found = re.search(re.escape(words) + r":\s*(\d+)", text)
    return int(found[1]) if found else None
