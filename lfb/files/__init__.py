"""Read and write files safely; download them.

Files appear under their name only when complete, csv tables report every error with its line, and
readers of pickles run no code from them. This package knows nothing about videos or models. Of the
project it imports ``lfb.errors`` alone; every other package may import it.
"""
