"""The moments of a load: while it extracts, normalises or loads one of its packages."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.packages import (
    BEING_NORMALISED,
    EXTRACTED,
    LOADED,
    NORMALISED,
    Packages,
)
from tests.chaos.saved import ServedWarehouse, let_pass
from tests.support.waiting import wait_until
from tests.support.workspace import Running

LOAD_PHASES = ("extract", "normalise", "load")
# A phase may take a hundredth of a second.
_LOOK_EVERY_SECONDS = 0.001


@dataclass(frozen=True)
class Pace:
    """How a load that nothing disturbs goes: its requests, and the seconds of each phase of a package."""

    requests: int
    seconds_between_requests: float
    seconds: dict[str, list[float]]


@dataclass(frozen=True)
class LoadMoment:
    """A moment of a load: after the request or package of this number, a part of the phase's usual time later."""

    phase: str
    number: int
    seconds_later: float

    def wait(self, world: ServedWarehouse, running: Running, since: int, requests_before: int) -> bool:
        """Waits for it; False when the command ended first. `since` is when the command began (ns)."""
        came = wait_until(
            self._make_condition(world, since, requests_before), running, every_seconds=_LOOK_EVERY_SECONDS
        )
        let_pass(self.seconds_later)
        return came and not running.has_ended

    def _make_condition(self, world: ServedWarehouse, since: int, requests_before: int) -> Callable[[], bool]:
        if self.phase == "extract":
            return lambda: world.count_requests() - requests_before >= self.number
        # A package that an earlier run left is normalised too; it is touched then.
        places = (EXTRACTED, BEING_NORMALISED) if self.phase == "normalise" else (NORMALISED,)
        seen: set[str] = set()

        def has_come() -> bool:
            seen.update(world.packages.find(*places, since=since))
            return len(seen) >= self.number

        return has_come


def draw_load_moment(phase: str, pace: Pace, chance: Random) -> LoadMoment:
    """A moment at random in a phase."""
    if phase == "extract":
        return LoadMoment(phase, chance.randint(1, pace.requests), chance.random() * pace.seconds_between_requests)
    stage = chance.randrange(len(pace.seconds[phase]))
    return LoadMoment(phase, stage + 1, chance.random() * pace.seconds[phase][stage])


def find_load_phase(packages: Packages) -> str:
    """What a killed load was doing, by what it left."""
    if packages.find(EXTRACTED):
        return "normalise"
    return "load" if packages.find(NORMALISED) else "extract"


def measure_pace(world: ServedWarehouse, packages: int) -> Pace:
    """Runs a load of so many packages undisturbed and watches it."""
    requests_before = world.count_requests()
    since = time.time_ns()
    arrived: dict[str, dict[str, float]] = {place: {} for place in (EXTRACTED, NORMALISED, LOADED)}
    first_request: list[float] = []
    running = world.workspace.start("dlt", "pipeline", "run")

    def watch() -> bool:
        if not first_request and world.count_requests() > requests_before:
            first_request.append(time.monotonic())
        for place, times in arrived.items():
            for package in world.packages.find(place, since=since):
                times.setdefault(package, time.monotonic())
        return False

    wait_until(watch, running, every_seconds=_LOOK_EVERY_SECONDS)
    finished = running.wait(0)
    assert finished.status == 0, finished.output
    extracted, normalised, loaded = ([times[name] for name in sorted(times)] for times in arrived.values())
    assert len(extracted) == len(normalised) == len(loaded) == packages, arrived
    requests = world.count_requests() - requests_before
    return Pace(
        requests=requests,
        seconds_between_requests=(extracted[0] - first_request[0]) / requests,
        seconds={
            "normalise": [end - start for start, end in zip(extracted, normalised, strict=True)],
            "load": [end - start for start, end in zip(normalised, loaded, strict=True)],
        },
    )
