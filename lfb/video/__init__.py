"""Decode videos, pack their frames into one zip per video, and read and decode the frames.

Only ``decoding`` loads the video decoder, only ``images`` loads PyTorch. Of the project this
package imports ``lfb.files`` and the modules at the root of ``lfb``; the packages from ``data`` on
may import it.
"""
