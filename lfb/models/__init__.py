"""The networks and their weights.

``action_model`` scores actions; ``backbones`` and ``operators`` hold its parts, one file for each.
``person_detector`` finds people. ``checkpoints`` are ours; ``published`` and ``caffe2`` read the
weights of MMAction2 and of the authors.
"""
