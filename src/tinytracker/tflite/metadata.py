"""What the metadata in a .tflite says of its input: by what mean and deviation pixels become values.

Converters and model zoos put it into a buffer of the file, a flatbuffer of its own (metadata_schema.fbs of
TFLite Support).
"""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from flatbuffers import number_types
from flatbuffers.table import Table as Reader

from tinytracker.errors import ModelError
from tinytracker.tflite.file import read_tflite
from tinytracker.tflite.flatbuffer import Broken, Table, Tables, Union, Vector, Walk
from tinytracker.tflite.schema import unpack

ENTRY = b"TFLITE_METADATA"
IDENTIFIER = b"M001"
SUBGRAPHS, INPUTS, UNITS, KIND, OPTIONS, MEAN, STD = 3, 2, 4, 0, 1, 0, 1  # slots of the tables below
NORMALISATION = 1  # of the union ProcessUnitOptions

_OPTIONS = Table("normalisation", {MEAN: Vector(4), STD: Vector(4)})
_UNIT = Table("a process unit", {KIND: 1, OPTIONS: Union(KIND, {NORMALISATION: _OPTIONS})})
_METADATA = Table(
    "metadata",
    {SUBGRAPHS: Tables(Table("a graph", {INPUTS: Tables(Table("a tensor", {UNITS: Tables(_UNIT)}))}))},
)


def normalisation(path: Path) -> tuple[float, float] | None:
    """(scale, offset) with value = pixel * scale + offset for the first input; None where the file says
    nothing.

    Raises ModelError if the metadata is damaged, or normalises each colour in its own way.
    """
    model = unpack(read_tflite(path))
    content = next((_bytes(model, entry) for entry in model.metadata or [] if entry.name == ENTRY), b"")
    if content[4:8] != IDENTIFIER:
        return None
    try:
        Walk(content).check(_METADATA)
    except Broken as broken:
        raise ModelError(f"{path} has damaged metadata: {broken}; export it again") from None
    found = _first_normalisation(content)
    if found is None:
        return None
    means, deviations = found
    is_one_for_all = (
        len({*means}) == 1 == len({*deviations})
    )  # NaN is no equal of itself, nor of what is finite
    if not is_one_for_all or not np.isfinite([means[0], deviations[0]]).all() or deviations[0] <= 0:
        raise ModelError(
            f"{path} normalises its pixels by the means {[*means]} and deviations {[*deviations]}; expected "
            "one of each, the same for all colours"
        )
    return 1 / deviations[0], -means[0] / deviations[0]


def _bytes(model: object, entry: object) -> bytes:
    data = model.buffers[entry.buffer].data  # type: ignore[attr-defined]
    return b"" if data is None else np.asarray(data, np.uint8).tobytes()


def _first_normalisation(content: bytes) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    root = Reader(content, flatbuffers.encode.Get(number_types.UOffsetTFlags.packer_type, content, 0))
    for graph in _tables(root, SUBGRAPHS)[:1]:
        for tensor in _tables(graph, INPUTS)[:1]:
            for unit in _tables(tensor, UNITS):
                kind, options = unit.Offset(4 + 2 * KIND), unit.Offset(4 + 2 * OPTIONS)
                if kind and options and content[unit.Pos + kind] == NORMALISATION:
                    inner = Reader(content, unit.Indirect(unit.Pos + options))
                    return _floats(inner, MEAN), _floats(inner, STD)
    return None


def _tables(table: Reader, slot: int) -> list[Reader]:
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return []
    begin = table.Vector(offset)
    return [
        Reader(table.Bytes, table.Indirect(begin + 4 * index)) for index in range(table.VectorLen(offset))
    ]


def _floats(table: Reader, slot: int) -> tuple[float, ...]:
    offset = table.Offset(4 + 2 * slot)
    if not offset:
        return ()
    begin, length = table.Vector(offset), table.VectorLen(offset)
    return tuple(float(number) for number in np.frombuffer(table.Bytes, "<f4", length, begin))
