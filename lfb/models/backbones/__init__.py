"""Backbones: a clip becomes a feature map. One file a family."""
