"""A network -> C without heap or libm, compiled here by the machine's own compiler and called from C.

python examples/c_from_a_network.py gaze
"""

import subprocess
import sys
from pathlib import Path

from tinytracker.compiler import compile_model
from tinytracker.zoo import find

MAIN = r"""
#include <stdio.h>
#include <string.h>
#include "gaze_model.h"

static int8_t arena[GAZE_MODEL_ARENA_BYTES] __attribute__((aligned(GAZE_MODEL_ARENA_ALIGN)));

int main(void) {
    memset(gaze_model_input(arena, 0), 0, GAZE_MODEL_INPUT_0_BYTES);  /* grey: pixel 128 is int8 0 */
    gaze_model_invoke(arena);
    const int8_t *out = gaze_model_output(arena, 0);
    for (int i = 0; i < GAZE_MODEL_OUTPUT_0_BYTES; i++) {
        printf("%+.3f\n", (out[i] - GAZE_MODEL_OUTPUT_0_ZERO_POINT) * GAZE_MODEL_OUTPUT_0_SCALE);
    }
    return 0;
}
"""

if len(sys.argv) != 2:
    sys.exit(__doc__)
folder = Path(sys.argv[1])
weights = find("tinytracker-s")
compile_model(weights.path.read_bytes(), "tinytracker-s", cpu="portable").write(folder)
(folder / "main.c").write_text(MAIN)
program = folder / "gaze"
subprocess.run(
    ["cc", "-std=c99", "-O2", "-o", program, folder / "main.c", folder / "gaze_model.c"], check=True
)
said = subprocess.run([program], capture_output=True, text=True, check=True).stdout
x_cm, y_cm = (float(number) * weights.require_card().output_scale_cm for number in said.split())
print(f"tinytracker-s, in C, says of a grey picture: ({x_cm:+.1f}, {y_cm:+.1f}) cm")
