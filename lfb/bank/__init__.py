"""The feature bank: the Zarr store, writing it, looking rows up, and MMAction2's format."""
