"""Running a network: `GazeModel.load("tinytracker-eyes").predict(image, face)`.

- protocol.py: what an engine is: arrays in, arrays out, in the tensors' own number format
- litert.py, onnx.py, torch.py, tflite_micro.py: the four engines
- generated_c.py: the C that is exported for microcontrollers, compiled and run here
- serial_board.py: a board on a serial link as an engine; board_link.py asks it, board_protocol.py knows the
  messages
- feed.py: pixels and boxes -> tensors
- infer.py: a card for a .tflite that has none
- model.py: `GazeModel`, which is card, feed and engine together
"""
