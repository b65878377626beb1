"""A data set: annotations, detected people, keyframes, predictions, the check, and the demo."""
