"""ONNX: one float file with its card."""

from tinytracker.targets.onnx.package import export_onnx

__all__ = ["export_onnx"]
