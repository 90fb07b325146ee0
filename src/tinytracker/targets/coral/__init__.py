"""Google's Edge TPU, as on the Coral Dev Board Micro.

- limits.py: what edgetpu_compiler maps, as data
- lint.py: a network against it, layer by layer
- rewrite.py: float ends left out, a baked grid as a constant ADD behind the first convolution instead of a
  CONCATENATION in front
- change.py: how far that moves the outputs, measured
- compile.py: all of it for one network, and edgetpu_compiler where it is on PATH
"""
