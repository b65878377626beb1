"""Frames: extracted from videos, packed one zip a video, read and decoded."""
