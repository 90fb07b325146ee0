"""Recordings of power in files: every format that people's meters write, told apart by content and read into
a `Trace`."""
