"""Names of video files."""

EXTENSIONS = (".mp4", ".mkv", ".webm", ".avi", ".mov")
