"""Worker processes that end with their parent."""

import multiprocessing
import os
import threading


def die_with_parent() -> None:
    """End this worker when its parent is killed, so that a new run has no second writer.

    Use it as the ``initializer`` of a pool of spawned or forkserver processes.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
