"""The feature bank: writing, look-up, features on a device, MMAction2's format.

It may import ``files`` and ``data``; ``models`` and all packages after it may import this one
(tests/test_layers.py). Look-up needs neither PyTorch nor Zarr, so data-loading workers start fast.
"""
