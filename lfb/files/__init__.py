"""Read and write files safely; download them.

Files appear under their name only when complete, csv tables report every error with its line, and
readers of pickles run no code from them. This package knows nothing about networks or clips.
"""
