"""Decode videos, pack their frames one zip a video, and read and decode the frames.

Only ``decoding`` loads the video decoder, only ``images`` loads PyTorch. Of the project this
package imports ``lfb.files`` and the modules at the root of ``lfb``; the packages from ``data`` on
may import it.
"""
