"""What an event camera says of an eye: streams of events, their labels, windows of them for networks, and the
files of the field.

An event camera has no frames: a pixel speaks when its light has changed by a set ratio, within microseconds,
and says only when, where and whether it grew brighter (`on`) or darker.
"""
