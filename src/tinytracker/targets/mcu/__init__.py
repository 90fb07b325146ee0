"""Microcontrollers: boards and their limits, projects ready to build, emulated cores. The C comes from
`tinytracker.compiler`."""
