"""Video files."""

EXTENSIONS = (".mp4", ".mkv", ".webm", ".avi", ".mov")
