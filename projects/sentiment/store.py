"""Arrays by block and name: in memory up to a size, and beyond it as files in a folder that all workers can read."""

import os
import threading
from pathlib import Path

import numpy as np

from projects.common.files import cannot_write

ONE_HEADER = threading.Lock()  # two threads that parse array headers at once can fail in Python 3.11 (SystemError)
IN_MEMORY = 150_000_000  # bytes of arrays, before the folder is used


class Store:
    """Where the arrays of blocks lie. Copies for other processes know the folder alone.

    in_memory: bytes that may be held, None: IN_MEMORY; 0 for workers elsewhere, who need files.
    """

    def __init__(self, folder: Path, in_memory: int | None = None) -> None:
        self.folder = folder
        self.free = IN_MEMORY if in_memory is None else in_memory
        self.arrays: dict[tuple[str, str], np.ndarray] = {}
        self.lock = threading.Lock()

    def __reduce__(self) -> tuple[type, tuple[Path, int]]:
        return Store, (self.folder, 0)

    def save(self, block: str, name: str, array: np.ndarray) -> None:
        """Keep one of a block's arrays, in the place of an earlier one. Raises ProjectError."""
        self.discard(block, name)
        with self.lock:
            fits = array.nbytes <= self.free
            if fits:
                self.free -= array.nbytes
                self.arrays[block, name] = array
        if not fits:
            write(self.path(block, name), array)

    def load(self, block: str, name: str) -> np.ndarray:
        """The array, not to be changed."""
        held = self.arrays.get((block, name))
        if held is not None:
            return held
        with ONE_HEADER:
            array: np.ndarray = np.load(self.path(block, name), mmap_mode="r")
        return array

    def discard(self, block: str, *names: str) -> None:
        """Let go of these arrays of a block; it may lack some of them."""
        for name in names:
            with self.lock:
                held = self.arrays.pop((block, name), None)
                if held is not None:
                    self.free += held.nbytes
            if held is None:
                self.path(block, name).unlink(missing_ok=True)

    def path(self, block: str, name: str) -> Path:
        return self.folder / f"{block}.{name}.npy"


def write(path: Path, array: np.ndarray) -> None:
    """Write an array, whole or not at all, so that it may be tried again by somebody else."""
    temporary = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.save(file, array)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error


def slices(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """start, start + 1, … for as many as its length, of each pair, one after the other."""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(lengths.sum())
