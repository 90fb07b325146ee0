"""`tinytracker export --target mcu`: an int8 .tflite -> C for any microcontroller, with what it costs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from tinytracker.cli.export_request import ExportRequest


def run(request: ExportRequest) -> None:
    """Writes gaze_model.h, gaze_model.c (and .S), README.md, report.md, report.json and plan.svg; where the .tflite has a card,
    gaze_model.json, so that the engine generated-c runs the C like any network."""
    from rich.console import Console

    from tinytracker.cards import card_path, read_card, write_card
    from tinytracker.engines.tflite_file import read_tflite
    from tinytracker.files import sha256, write_text
    from tinytracker.targets.mcu import compile_model
    from tinytracker.targets.mcu.readme import readme
    from tinytracker.targets.mcu.report import as_picture, as_text, make_report

    path = request.tflite()
    content = read_tflite(path)
    model = compile_model(content, request.name or path.stem, request.cpu or "portable")
    report = make_report(model)
    model.write(request.out)
    if card_path(path).exists():
        source = request.out / f"{model.prefix}.c"
        write_card(replace(read_card(card_path(path)), sha256=sha256(source)), card_path(source))
    write_text(request.out / "README.md", readme(model, report, hashlib.sha256(content).hexdigest()))
    write_text(request.out / "report.md", as_text(report))
    write_text(request.out / "report.json", json.dumps(report.as_data(), indent=1) + "\n")
    write_text(request.out / "plan.svg", as_picture(model))
    console = Console(soft_wrap=True, highlight=False)
    code = "" if report.code_bytes is None else f" and {report.code_bytes:,} of code"
    console.print(f"wrote {request.out}: {model.name} for {model.cpu.name}")
    console.print(f"  flash: {report.table_bytes:,} bytes of tables (weights and biases: {report.weight_bytes:,}){code}")
    console.print(f"  RAM: {report.work_bytes:,} bytes, {report.arena_bytes:,} with the input buffers")
    console.print(
        f"  {report.macs:,} multiply-accumulates, about {report.instructions:,} instructions (estimated); see report.md"
    )
