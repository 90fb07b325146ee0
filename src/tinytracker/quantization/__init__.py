"""From a trained network to a fully integer one, stage by stage.

- fold.py: batch norm into the convolutions
- convert.py: torch -> float .tflite
- calibration.py: what range each tensor's values have, on training people
- fit.py: fitted to int8 on training people, in three steps
- balance.py: channels scaled and centred (channels.py: which may be), by what rounding costs the output
  (sensitivity.py)
- clip.py: where ranges are cut, by the same
- weights.py: weights rounded so that their errors cancel
- equalise.py: channels scaled in front of depthwise convolutions only, for the image sensor
- ranges.py: which ranges a .tflite allows (shared, fixed, widened)
- fake_quant.py: training with simulated rounding, where calibration alone costs too much
- int8.py: float .tflite and ranges -> int8 .tflite
- repack.py: a plain, small flatbuffer that every target reads
- compare.py: what quantisation costs; do the runtimes agree?
"""
