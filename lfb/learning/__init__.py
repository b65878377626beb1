"""Training and inference: clips, processes and devices, the loop, and runs of a trained model."""
