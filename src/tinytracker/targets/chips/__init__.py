"""Accelerators that nothing here compiles for: what others' networks took there, scaled to ours."""
