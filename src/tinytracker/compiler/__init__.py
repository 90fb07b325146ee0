"""An ahead-of-time compiler from an int8 .tflite to allocation-free C; docs/compiler.md tells it at length.

    compiled = compile_model(content, name="tinytracker-s", cpu="cortex-m4")
    compiled.write(folder)      # gaze_model.h, gaze_model.c, gaze_model.S if there is one, README.md, report

What it computes is byte-identical to TensorFlow Lite Micro's interpreter. In readable stages:

- tflite.read: flatbuffer -> `tflite.graph.Graph`
- check.py: the operators and parameters that are known; what is not is a finding with a remedy
- passes/: graph -> graph, each exact: constants folded, paddings taken into convolutions, ...; verify.py
  looks the graph through after each, in the tests and where TINYTRACKER_VERIFY is set
- schedule.py: which kernel computes which layers (the cheapest way through), in which memory layouts
- plan.py: lifetimes -> places in the arena
- kernels/: what each can compute, what it costs, the C; see its text for the interface
- emit.py, header.py: gaze_model.c and .S; gaze_model.h
- report.py: per layer what it costs and where it lies

The C API (GAZE_MODEL is the prefix throughout; `prefix=` changes it):

    #define GAZE_MODEL_WORK_BYTES     memory that begin, push_rows, finish, output need
    #define GAZE_MODEL_ARENA_BYTES    the same and the input buffers behind it: what input and invoke need
    #define GAZE_MODEL_ARENA_ALIGN    8
    #define GAZE_MODEL_INPUTS         how many inputs
    #define GAZE_MODEL_INPUT_n_BYTES  of input n; also _HEIGHT, _WIDTH, _CHANNELS, _SCALE, _ZERO_POINT
    #define GAZE_MODEL_OUTPUTS        how many outputs
    #define GAZE_MODEL_OUTPUT_n_BYTES of output n; also _SCALE, _ZERO_POINT
    #define GAZE_MODEL_ROWS           1 if rows can be pushed, else 0
    #define GAZE_MODEL_HASH           the first 32 bits of the .tflite file's SHA-256

    int8_t *gaze_model_input(void *arena, int index);                a buffer: height, width, channel
    void gaze_model_invoke(void *arena);                             computes; inputs stay as they are
    const int8_t *gaze_model_output(const void *arena, int index);   valid until the next begin or invoke

Only where GAZE_MODEL_ROWS is 1:

    void gaze_model_begin(void *arena);
    void gaze_model_push_rows(void *arena, const int8_t *rows, int count);   whole ones, from the top
    void gaze_model_finish(void *arena);                                     after the last

No initialisation, no globals that are written, no heap: an arena is memory of the caller's, aligned to 8
bytes; two arenas are two independent models. Outputs are int8 where the network's are; a DEQUANTIZE at a
float output is computed by the scale and zero point in the macros, `gaze_model_output` then gives the int8
values in front of it.
"""

from tinytracker.compiler.compile import CompiledModel, compile_model

__all__ = ["CompiledModel", "compile_model"]
