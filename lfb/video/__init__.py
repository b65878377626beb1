"""Decode videos, pack their frames into one zip per video, read the frames, and write films.

``film`` writes boxes and text over a film: ``overlays`` says which a moment shows, ``drawing``
draws them. Only ``decoding`` and ``film`` load the video decoder, only ``images`` loads PyTorch. Of
the project this package imports ``lfb.files`` and the modules at the root of ``lfb``; the packages
from ``data`` on may import it.
"""
