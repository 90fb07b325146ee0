"""Meters that people own, each a class that fulfils `protocol.Meter`; `open.open_meter` finds one by its
name."""
