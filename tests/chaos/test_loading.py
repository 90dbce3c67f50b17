"""A load killed or interrupted at any moment, once or often, continues to the same raw as an undisturbed one.

`HEADWATER_CHAOS_KILLS` and `HEADWATER_CHAOS_SEED` are explained in `chance.py`.
"""

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pytest

from tests.chaos.chance import KILLS, draw_kills_in_a_row, make_random
from tests.chaos.fingerprints import Fingerprint, check_raw, read_keys, read_raw, read_visible
from tests.chaos.loading import (
    LOAD_PHASES,
    LoadMoment,
    Pace,
    draw_load_moment,
    find_load_phase,
    measure_pace,
)
from tests.chaos.packages import LOADED, NORMALISED
from tests.chaos.tally import PhaseTally
from tests.chaos.world import World, make_world
from tests.support.workspace import Workspace

_COMMANDS = {"dlt": ("dlt", "pipeline", "run"), "headwater": ("headwater", "run")}
# Only guards the test.
_LONGEST_END_SECONDS = 60
_LOAD = ("dlt", "pipeline", "run")
# Requested when works name it: which week's record comes depends on the week of that run.
_ASKED_FOR_ONCE = ("institutions", "topics")


@dataclass(frozen=True)
class Kind:
    """What a trial starts from, and the week of its clean run; the killed runs bring week 2."""

    start: str
    now: int


KINDS = (Kind("week 1", 2), Kind("week 1", 3), Kind("nothing", 2))


@dataclass(frozen=True)
class Raw:
    """What raw holds: its rows, and the keys of what is loaded once."""

    rows: dict[str, Fingerprint]
    keys: dict[str, Fingerprint]

    def describe(self, weeks: tuple[int, ...]) -> dict[str, Fingerprint]:
        """What is the same after any way through these weeks."""
        return self.rows if weeks != (1, 2, 3) else self.rows | self.keys


@dataclass(frozen=True)
class Loading:
    """Warehouses to start from, and what raw holds after uninterrupted runs in the weeks named."""

    world: World
    pace: Pace
    after: dict[tuple[int, ...], Raw]

    def kill_at(self, moment: LoadMoment) -> bool:
        """Runs a load and kills it at that moment; False when it had ended."""
        since, requests_before = time.time_ns(), self.world.count_requests()
        running = self.world.workspace.start(*_LOAD)
        came = moment.wait(self.world, running, since, requests_before)
        running.kill()
        return came

    def read_raw(self) -> Raw:
        with self.world.open_duckdb() as connection:
            check_raw(connection)
            return Raw(read_raw(connection), read_keys(connection, _ASKED_FOR_ONCE))

    def read_visible(self) -> dict[str, Fingerprint]:
        """Everything in raw, which must be sound; nothing where there is no warehouse yet."""
        if not self.world.workspace.settings.warehouse.exists():
            return {}
        with self.world.open_duckdb() as connection:
            check_raw(connection)
            return read_visible(connection)


@pytest.fixture(scope="module")
def loading(module_workspace: Workspace) -> Iterator[Loading]:
    with make_world(module_workspace, weeks=3) as world:

        def load(*weeks: int) -> Raw:
            for week in weeks:
                world.serve(week)
                world.workspace.run_well(*_LOAD)
            return loading.read_raw()

        world.save("nothing")
        world.workspace.run_well(*_LOAD)
        world.save("week 1")
        world.serve(2)
        loading = Loading(world, measure_pace(world, packages=2), {})
        loading.after[1, 2] = loading.read_raw()
        loading.after[1, 2, 3] = load(3)
        world.restore("week 1")
        loading.after[1, 3] = load(3)
        world.restore("nothing")
        loading.after[2,] = load(2)
        assert len({str(raw.rows["works"]) for raw in loading.after.values()}) == 4
        yield loading


@pytest.mark.parametrize("phase", LOAD_PHASES)
def test_a_killed_load_goes_on_to_the_same_raw(
    loading: Loading, phase: str, start_tally: Callable[[str], PhaseTally]
) -> None:
    chance, tally, world = make_random(phase), start_tally(phase), loading.world
    trial = chance.randrange(len(KINDS))
    while tally.hits < KILLS:
        assert tally.kills < 10 * KILLS, "the kills miss the phase"
        trial += 1
        kind = KINDS[trial % len(KINDS)]
        world.restore(kind.start)
        world.serve(2)
        loaded_before = world.packages.find(LOADED)
        if not kill_in_a_row(loading, phase, draw_kills_in_a_row(chance, KILLS - tally.hits), chance, tally):
            continue
        was_fetched = bool(world.packages.pending or world.packages.find(LOADED) - loaded_before)
        # What was fetched is loaded first, also in the week after.
        weeks = tuple(
            week
            for week, is_seen in ((1, kind.start == "week 1"), (2, was_fetched or kind.now == 2), (3, kind.now == 3))
            if is_seen
        )
        world.serve(kind.now)
        printed = world.workspace.run_well(*_LOAD)
        assert loading.read_raw().describe(weeks) == loading.after[weeks].describe(weeks), printed
        assert not world.packages.pending
        assert not world.packages.unfinished_extracts
        tally.equal_runs += 1
        tally.report(f"from {kind.start}, weeks {weeks}: equal")


def kill_in_a_row(loading: Loading, phase: str, kills: int, chance: Random, tally: PhaseTally) -> bool:
    """Kills that many loads, one after the other; False when one had ended before."""
    world = loading.world
    loaded_before, visible_before = world.packages.find(LOADED), loading.read_visible()
    for _ in range(kills):
        moment = draw_load_moment(phase, loading.pace, chance)
        came = loading.kill_at(moment)
        tally.kills += 1
        if not came:
            tally.report(f"{moment}: too late")
            return False
        found = find_load_phase(world.packages)
        tally.hits += found == phase
        tally.report(f"{moment}: killed in {found}")
        visible = loading.read_visible()
        if not (world.packages.find(NORMALISED) or world.packages.find(LOADED) - loaded_before):
            assert visible == visible_before
    return True


@pytest.mark.parametrize("phase", ["extract", "load"])
@pytest.mark.parametrize("command", list(_COMMANDS))
def test_an_interrupted_run_ends_says_how_to_go_on_and_goes_on(
    loading: Loading,
    command: str,
    phase: str,
    start_tally: Callable[[str], PhaseTally],
) -> None:
    world = loading.world
    chance, tally = make_random(f"{command}, {phase}"), start_tally(f"{command}, SIGINT in {phase}")
    while tally.hits < max(1, KILLS // 4):
        assert tally.kills < 10 * KILLS, "the signals miss the phase"
        world.restore("week 1")
        world.serve(2)
        moment = draw_load_moment(phase, loading.pace, chance)
        since, requests_before = time.time_ns(), world.count_requests()
        running = world.workspace.start(*_COMMANDS[command])
        came = moment.wait(world, running, since, requests_before) and find_load_phase(world.packages) == phase
        running.send(signal.SIGINT)
        finished = running.wait(_LONGEST_END_SECONDS)
        tally.kills += 1
        tally.hits += came
        tally.report(f"{moment}: status {finished.status}")
        if came:
            assert finished.status in (1, 130), finished.output
            assert "interrupted" in finished.output.lower()
            assert "the same command" in finished.output.lower()
            assert "Traceback" not in finished.output
            printed = world.workspace.run_well("dlt", "pipeline", "run")
            assert loading.read_raw() == loading.after[1, 2], printed
            assert not world.packages.pending
            tally.equal_runs += 1
