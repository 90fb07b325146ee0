"""LiteRT: float and int8 .tflite files with their cards. See `package` and `target`."""
