"""Worker processes that end with the one that started them."""

import multiprocessing
import os
import threading


def die_with_parent() -> None:
    """Ends this worker when its parent is killed, so that a new run has no second writer.

    The ``initializer`` of a pool of spawned or forkserver processes.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
