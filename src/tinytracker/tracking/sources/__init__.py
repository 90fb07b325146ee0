"""Where frames come from: a picture, a folder of pictures, a video, a camera, a pipe, a stream of the
network.

Every source is a context manager and an iterator of `domain.Frame`; opening and reading raise errors that
name the file. A picture or frame that cannot be believed does not end the run: it is a frame that says so
(`Frame.damage`).
"""

from tinytracker.tracking.sources.mirrored import MirroredSource
from tinytracker.tracking.sources.opening import open_source
from tinytracker.tracking.sources.pictures import IMAGE_SUFFIXES, FolderSource, ImageSource
from tinytracker.tracking.sources.source import Source
from tinytracker.tracking.sources.video import DEFAULT_FRAMES_PER_SECOND, VideoSource

__all__ = [
    "DEFAULT_FRAMES_PER_SECOND",
    "IMAGE_SUFFIXES",
    "FolderSource",
    "ImageSource",
    "MirroredSource",
    "Source",
    "VideoSource",
    "open_source",
]
