"""Scores: AVA mAP under three protocols, and the table."""
