"""Long-term feature banks for action detection: the library behind the workflow.

It knows nothing of Snakemake: every function takes plain arguments. A package imports only those
above it in this list (tests/test_layers.py):

    files      whole files or none, csv, pickles read without running them, downloads
    config     the configuration, checked and cut into what each job depends on
    video      frames: extracted from videos, packed, decoded
    data       annotations, detected people, keyframes, predictions, the data check, the demo
    bank       the feature bank: store, writing, look-up, MMAction2's format
    models     backbones, operators, the action model, checkpoints, published weights
    learning   clips, training, inference, processes and devices
    scoring    mAP under three protocols, the table
    report     the HTML report

At the root is what all of them use: errors, random draws, what programs have in common, and the
digest of the code.
"""
