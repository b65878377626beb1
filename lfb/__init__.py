"""Long-term feature banks for action detection: the library behind the workflow.

It knows nothing of Snakemake: every function takes plain arguments. A package imports only those
above it in this list (tests/test_layers.py):

    files      safe writing of files, csv, safe reading of pickles, downloads
    config     the config: read, checked, and split into what each job depends on
    video      frames: extraction from videos, packing, decoding
    data       annotations, detected people, keyframes, predictions, the data check, the demo
    exchange   annotation tools: exports read, predictions written
    bank       the feature bank: store, writing, look-up, MMAction2's format
    models     backbones, operators, the action model, checkpoints, published weights
    scoring    mAP under three protocols, the table
    learning   clips, training, inference, processes and devices
    report     the HTML report
    verification  the check that finished results are undamaged and fit together

All of them may use the modules at the root: errors, random draws, worker processes, requests to
stop, the frame of every program, the digest of the code, and what a Slurm cluster offers.
"""
