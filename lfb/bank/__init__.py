"""The feature bank: writing, look-up, features on a device, MMAction2's format.

Look-up needs neither PyTorch nor Zarr, so data-loading workers start fast.
"""
