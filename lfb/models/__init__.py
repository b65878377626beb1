"""The networks: a 3D backbone, a detector head on its RoI features, and the bank operators."""
