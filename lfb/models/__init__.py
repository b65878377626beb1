"""The networks and their weights.

``action_model`` scores actions; ``backbones`` and ``operators`` hold its parts, a file each.
``person_detector`` finds people. ``checkpoints`` are ours; ``published`` and ``caffe2`` read the
weights of MMAction2 and of the authors.

It imports ``lfb.files`` and modules at the root of ``lfb``. ``learning`` and ``report`` import it.
"""
