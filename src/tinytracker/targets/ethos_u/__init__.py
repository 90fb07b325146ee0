"""Arm's Ethos-U NPUs, as beside Cortex-M55 and M85, by Arm's own compiler Vela (the extra ethos-u).

- vela.py: runs it, and reads back what it says; every figure of cycles and time is its estimate
- lint.py: which layers fall to the processor, and does the rest fit
"""
