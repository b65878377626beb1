"""The data set: annotations, detected people, keyframes, predictions, the data check, the demo.

``boxes`` has the classes of boxes by video and second, the grouping of rows and the IoU that all
packages share. The readers of files return ``Contents``: the valid rows and all errors. The data
check collects the errors of all files; each module ``check_*`` is a part of it. ``tracks`` numbers
people through a video.
"""
