"""The jobs that run a model: training, prediction, and building a piece of a bank.

Each takes its rule's settings and the paths of its files, and writes its outputs. Training has a
file of its own, so that editing it repeats no prediction of an imported model.
"""
