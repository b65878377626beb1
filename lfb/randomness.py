"""Random draws keyed by their purpose, so that they do not depend on what ran before."""

import hashlib

import numpy as np


def seed_of(*purpose: int | str) -> int:
    """Return a 63-bit seed for ``purpose``, such as (seed, "dropout", epoch, rank)."""
    text = "\0".join(map(str, purpose)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def generator(*purpose: int | str) -> np.random.Generator:
    """Return a NumPy generator for ``purpose``."""
    return np.random.Generator(np.random.Philox(key=seed_of(*purpose)))
