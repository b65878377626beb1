"""Scoring: mAP of predictions under three public protocols, the table of all models, thresholds.

No module needs PyTorch. They also score a submission of another program.
"""
