"""Worker processes that end with their parent."""

import multiprocessing
import os
import threading
import time


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


def end_with_launcher() -> None:
    """End this process when its parent, torchrun, is killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
