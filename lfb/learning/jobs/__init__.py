"""The jobs that run a model: training, prediction, and building a piece of a bank.

Each takes its rule's settings and the paths of its files, and writes its outputs. Training is in a
separate file, so that an edit of it does not repeat the predictions of imported models. The jobs of
heads are in a file of their own, because they read no frames.
"""
