"""LiteRT: float and int8 .tflite files with their cards."""

from tinytracker.targets.litert.package import Exported, Int8Options, export_float, export_int8

__all__ = ["Exported", "Int8Options", "export_float", "export_int8"]
