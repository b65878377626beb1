"""Scoring: mAP of predictions under three public protocols, and the table of all models.

It may import ``files`` and ``data``; only ``report`` may import this one (tests/test_layers.py).
Neither module needs PyTorch: a submission from any program can be scored.
"""
