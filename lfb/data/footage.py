"""What the data check knows of the frames of the videos before it decodes them."""

from dataclasses import dataclass, field

from lfb.data.contents import Findings


@dataclass
class Footage:
    """The frames of the annotated videos, as far as they are found.

    Attributes:
        frames: Number of frames of each video, at ``data.fps``.
        sizes: Width and height of the frames of each video in pixels: those of its first frame.
        rates: Frames per second of each video file; empty if there are frames in place of files.
        findings: What is wrong with the files.
    """

    frames: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
