"""The data set: annotations, detected people, keyframes, predictions, the data check, the demo.

It may import ``files`` and ``video``; ``bank`` and all packages after it may import this one
(tests/test_layers.py). ``boxes`` has the classes of boxes by video and second, the grouping of rows
and the IoU that all packages share. The readers of files return the valid rows and a line for each
error. The check collects the errors of all files.
"""
