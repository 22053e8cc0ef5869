"""How often Python looks for objects that only hold one another."""

import gc


def collect_rarely() -> None:
    """For a process that handles rows by the thousand: what is here now stays, and what comes is looked at seldom.

    A batch frees its objects by their counts. Looking for circles at every 700th new object was a tenth of a campaign's
    work and a third of an import's.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
