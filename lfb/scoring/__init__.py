"""Scoring: mAP of predictions under three public protocols, and the table of all models.

Neither module needs PyTorch. They also score a submission of another program.
"""
