"""ONNX: one float file with its card. See `package` and `target`."""
