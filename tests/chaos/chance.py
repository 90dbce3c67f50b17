"""What is random in these tests follows from one seed, and how many kills there are from one number.

`HEADWATER_CHAOS_KILLS` is the number of kills per phase (1; `make chaos` takes 20). `HEADWATER_CHAOS_SEED` repeats
the draws of a run; every run prints its seed. When a kill then falls is still up to the machine.
"""

import os
import secrets
from random import Random

KILLS = int(os.environ.get("HEADWATER_CHAOS_KILLS") or 1)
IS_LONG = KILLS > 2
SEED = os.environ.get("HEADWATER_CHAOS_SEED") or secrets.token_hex(4)

# How many kills in a row come before a clean run; in the short form all.
_KILLS_IN_A_ROW = (1, 1, 1, 2, 3)


def make_random(name: str) -> Random:
    """The chance of one test: the same seed gives the same draws, whichever tests run before."""
    print(f"{name}: HEADWATER_CHAOS_SEED={SEED}")
    return Random(f"{SEED}:{name}")


def draw_kills_in_a_row(chance: Random, most: int) -> int:
    """How many kills the next trial has, at most `most`."""
    return min(most, chance.choice(_KILLS_IN_A_ROW)) if IS_LONG else most
