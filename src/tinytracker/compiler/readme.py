"""The README that goes with the generated C."""

from __future__ import annotations

from tinytracker.compiler.compile import CompiledModel
from tinytracker.compiler.emit import rows_can_be_pushed
from tinytracker.compiler.report import Report

_TEXT = """# {name} as C

`{prefix}.c` and `{prefix}.h`{assembly} hold the int8 network **{name}**, compiled for **{cpu}**. What they
compute is the same bytes that TensorFlow Lite Micro computes from the .tflite (SHA-256 begins {digest}).
C99; no heap, no libc but `memcpy` and `memset` (which compilers put in themselves), no initialisation,
nothing written but the arena.

## Build

Add the files to the project and compile with `-O2`; for this core: `{flags}`.

## Use

```c
#include "{prefix}.h"

static int8_t arena[{upper}_ARENA_BYTES] __attribute__((aligned({upper}_ARENA_ALIGN)));

    int8_t *image = {prefix}_input(arena, 0);   /* {shapes} */
    /* fill it: round(real / {upper}_INPUT_0_SCALE) + {upper}_INPUT_0_ZERO_POINT; pixels: pixel - 128 */
    {prefix}_invoke(arena);
    const int8_t *out = {prefix}_output(arena, 0);
    float first = {upper}_OUTPUT_0_SCALE * (float)(out[0] - {upper}_OUTPUT_0_ZERO_POINT);
```
{rows}
An arena is memory of yours, aligned to 8 bytes. Two arenas are two independent models; one arena must not
be used by two threads at once.

Stack: {stack}. {endianness}

## Cost

{ram}. Flash: {flash}. `report.md` has it layer by layer, `plan.svg` shows who lies where in the arena and
when. Figures of instructions there are estimated, sizes are exact.
"""

# Of tinytracker-eyes, tinytracker, tinytracker-s and eye-locator on QEMU's M4, M7 and M55; any network's own:
# bench mcu.
STACK = (
    "456 to 840 bytes for the released networks, *measured* on emulated Cortex-M cores; another network's "
    "own is told by `tinytracker bench mcu`"
)
_WITH_ASSEMBLY = (
    "Little-endian cores with the DSP extension only: compiling for another one "
    "ends in an error that says so."
)
_C_ALONE = "Either byte order will do: no word is read as bytes, nor the other way round."

_ROWS = """
The image need not be held: with an arena of `{upper}_WORK_BYTES`, push its rows as they come from the camera.

```c
    {prefix}_begin(arena);
    for (int y = 0; y < {upper}_INPUT_0_HEIGHT; y++) {{
        {prefix}_push_rows(arena, row, 1);      /* {row_bytes} bytes */
    }}
    {prefix}_finish(arena);
```
"""


def readme(model: CompiledModel, report: Report, digest: str) -> str:
    """Markdown."""
    graph, prefix = model.graph, model.prefix
    names = {"prefix": prefix, "upper": prefix.upper()}
    rows = ""
    if rows_can_be_pushed(graph, model.schedule.steps):
        _, width, channels = graph[graph.inputs[0]].hwc
        rows = _ROWS.format(row_bytes=width * channels, **names)
    shapes = "; ".join(
        f"input {place}: {'x'.join(map(str, graph[n].shape))}" for place, n in enumerate(graph.inputs)
    )
    code = "" if report.code_bytes is None else f" and {report.code_bytes:,} B of code"
    return _TEXT.format(
        name=model.name,
        cpu=model.cpu.name,
        assembly=f" (and `{prefix}.S`)" if f"{prefix}.S" in model.files else "",
        digest=digest[:8],
        flags=" ".join((*model.cpu.gcc, "-O2")),
        shapes=shapes,
        rows=rows,
        ram=f"RAM: {report.work_bytes:,} B, and with input buffers {report.arena_bytes:,} B",
        flash=f"{report.table_bytes:,} B of tables, weights included{code}",
        stack=STACK,
        endianness=_WITH_ASSEMBLY if f"{prefix}.S" in model.files else _C_ALONE,
        **names,
    )
