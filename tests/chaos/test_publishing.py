"""Readers of Postgres see whole versions of the marts whenever a handoff, a publication, a whole run or the server
is killed, and what was killed goes on to the same marts.

`HEADWATER_CHAOS_KILLS` and `HEADWATER_CHAOS_SEED` are explained in `chance.py`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from random import Random

import pytest

from loader.runs.report import read_last_report
from tests.chaos.chance import IS_LONG, KILLS, draw_kills_in_a_row, make_random
from tests.chaos.fingerprints import Fingerprint, read_postgres_schema, read_raw, read_schema
from tests.chaos.loading import LOAD_PHASES, Pace, draw_load_moment, measure_pace
from tests.chaos.packages import LOADED
from tests.chaos.publishing import (
    COMMANDS,
    VICTIMS,
    PublicationMoment,
    draw_publication_moment,
    measure_publication,
    watch,
)
from tests.chaos.readers import Readers, Version, read_version
from tests.chaos.saved import let_pass
from tests.chaos.tally import PhaseTally
from tests.chaos.world import World, make_world
from tests.support.publishing import HAND_OFF, PUBLISH
from tests.support.waiting import wait_until
from tests.support.workspace import Running, Workspace

_WEEKS = ("week 1", "week 2")


@dataclass
class Publishing:
    """Two built warehouses, what an uninterrupted build of each holds, and what Postgres shows of each.

    `pace` and `seconds` are how a load and the other steps go that nothing disturbs, `handed_off` the tables that a
    handoff then brings.
    """

    world: World
    pace: Pace
    seconds: dict[str, float]
    built: dict[str, dict[str, dict[str, Fingerprint]]]
    versions: dict[str, Version]
    handed_off: frozenset[str] = frozenset()

    @property
    def marts(self) -> list[str]:
        """The names of the marts."""
        return sorted(self.built["week 1"]["marts"])

    def read_built(self) -> dict[str, dict[str, Fingerprint]]:
        """What DuckDB holds: raw, and the two schemas that Postgres has too."""
        with self.world.open_duckdb() as connection:
            return {"raw": read_raw(connection)} | {
                schema: read_schema(connection, schema) for schema in ("transform", "marts")
            }

    def read_handed_off(self) -> dict[str, Fingerprint]:
        """What Postgres holds in `transform`."""
        with self.world.open_duckdb() as connection:
            return read_postgres_schema(connection, self.world.workspace.server, "transform")

    def list_expected(self, week: str) -> dict[str, Fingerprint]:
        """What Postgres's `transform` holds after a handoff of that week."""
        return {table: rows for table, rows in self.built[week]["transform"].items() if table in self.handed_off}

    def check_published(self, week: str) -> None:
        """The marts in Postgres are those of the week, row for row as DuckDB built them."""
        with self.world.open_duckdb() as connection:
            found = read_postgres_schema(connection, self.world.workspace.server, "marts")
        assert found == self.built[week]["marts"]
        with closing(self.world.workspace.server.connect()) as connection:
            version = read_version(connection, self.marts)
        assert self.versions.setdefault(week, version) == version

    def poll(self, chance: Random, *, may_lose_server: bool = False) -> Readers:
        """Readers of all marts, in a `with` block."""
        return Readers(self.world.workspace.server, self.marts, chance, may_lose_server=may_lose_server)

    def find_other_week(self) -> str:
        """The week that Postgres does not show now."""
        with closing(self.world.workspace.server.connect()) as connection:
            return _WEEKS[read_version(connection, self.marts) == self.versions[_WEEKS[0]]]

    def check_readers(self, readers: Readers, tally: PhaseTally) -> None:
        """After a run that ended equal: every poll saw a whole version, and none met an error."""
        tally.equal_runs += 1
        names = {version: week for week, version in self.versions.items()}
        tally.polls += readers.polls
        tally.versions_seen.update({names.get(version, "other"): polls for version, polls in readers.versions.items()})
        assert not readers.troubles
        others = [self.describe(version) for version in readers.versions.keys() - names.keys()]
        assert not others, "a reader saw what was never published as a whole"
        assert readers.polls

    def describe(self, version: Version) -> dict[str, str]:
        """To which week each mart of a version belongs: of two weeks in a mixture, of none where it is half."""
        weeks = {mart: week for week, known in self.versions.items() for mart in known}
        return {mart[0]: weeks.get(mart, f"neither, {mart[1]} rows") for mart in version}


@pytest.fixture(scope="module")
def publishing(published: Workspace) -> Iterator[Publishing]:
    """The sample that is published is that of week 1."""
    with make_world(published, weeks=2) as world:
        run_well = world.workspace.run_well
        report = read_last_report(published.settings)
        assert report
        seconds = {step.name: step.seconds for step in report.steps}
        world.save("week 1")
        world.serve(2)
        publishing = Publishing(world, measure_pace(world, packages=2), seconds, {}, {})
        run_well("dbt", "build")
        world.save("week 2")
        for week in reversed(_WEEKS):
            world.restore(week)
            publishing.built[week] = publishing.read_built()
        publishing.seconds |= {phase: measure_publication(world, phase) for phase in COMMANDS}
        publishing.handed_off = frozenset(publishing.read_handed_off())
        publishing.check_published("week 1")
        yield publishing


def test_readers_see_whole_marts_whatever_is_killed(
    publishing: Publishing, start_tally: Callable[[str], PhaseTally]
) -> None:
    chance, world = make_random("handoff and publish"), publishing.world
    handoff, publish = start_tally("handoff"), start_tally("publish")
    while handoff.hits < KILLS or publish.hits < KILLS:
        week = publishing.find_other_week()
        world.restore(week)
        with publishing.poll(chance) as readers_of_handoff:
            kill_in_a_row(publishing, "handoff", chance, handoff)
            world.workspace.run_well(*HAND_OFF)
        assert publishing.read_handed_off() == publishing.list_expected(week)
        with publishing.poll(chance) as readers_of_publish:
            kill_in_a_row(publishing, "publish", chance, publish)
            world.workspace.run_well(*PUBLISH)
        publishing.check_published(week)
        publishing.check_readers(readers_of_handoff, handoff)
        publishing.check_readers(readers_of_publish, publish)


def kill_in_a_row(publishing: Publishing, phase: str, chance: Random, tally: PhaseTally) -> None:
    """Kills some commands, one after the other; Postgres's `transform` is of one week all the while."""
    for _ in range(draw_kills_in_a_row(chance, KILLS - tally.hits)):
        moment = draw_publication_moment(phase, publishing.seconds[phase], chance)
        with watch(publishing.world.workspace.server) as watched:
            running = publishing.world.workspace.start(*COMMANDS[phase])
            came = moment.wait(publishing.world.workspace.server, watched, running)
            running.kill()
        tally.kills += 1
        tally.hits += came
        tally.report(f"{moment}: {'killed' if came else 'too late'}")
        assert publishing.read_handed_off() in [publishing.list_expected(week) for week in _WEEKS]
    assert tally.kills < 10 * KILLS, "the kills miss the phase"


@pytest.mark.skipif(not IS_LONG, reason="takes half a minute: `make chaos`")
def test_a_killed_server_is_back_with_whole_marts(
    publishing: Publishing, start_tally: Callable[[str], PhaseTally]
) -> None:
    chance, workspace = make_random("server"), publishing.world.workspace
    tally = start_tally("publish, in the server")
    for _ in range(max(1, KILLS // 8)):
        week = publishing.find_other_week()
        publishing.world.restore(week)
        workspace.run_well(*HAND_OFF)
        with publishing.poll(chance, may_lose_server=True) as readers:
            for victim in VICTIMS:
                kill_in_server(publishing, victim, chance, tally)
                workspace.run_well("headwater", "postgres", "start")
            workspace.run_well(*PUBLISH)
        publishing.check_published(week)
        publishing.check_readers(readers, tally)
    assert tally.hits


def kill_in_server(publishing: Publishing, victim: str, chance: Random, tally: PhaseTally) -> None:
    """Kills a process of Postgres while dbt publishes, which must end with a clear error where it was at work."""
    server = publishing.world.workspace.server
    moment = PublicationMoment("publish", chance.random() * publishing.seconds["publish"])
    with watch(server) as watched:
        running = publishing.world.workspace.start(*PUBLISH)
        # dbt has no session between two models.
        came = moment.wait(server, watched, running) and wait_until(lambda: watched.kill(victim), running)
        finished = running.wait(60)
    tally.kills += 1
    tally.hits += came
    tally.report(f"{victim}, {moment}: {'killed' if came else 'too late'}, status {finished.status}")
    assert "Traceback" not in finished.output


@pytest.mark.skipif(not IS_LONG, reason="takes minutes: `make chaos`")
@pytest.mark.parametrize("phase", [*LOAD_PHASES, "build", *COMMANDS])
def test_a_killed_run_goes_on_to_the_same_raw_marts_and_postgres(
    publishing: Publishing, phase: str, start_tally: Callable[[str], PhaseTally]
) -> None:
    chance, tally, world = make_random(f"run, {phase}"), start_tally(f"run, {phase}"), publishing.world
    world.serve(2)
    with publishing.poll(chance) as readers:
        while not tally.hits:
            assert tally.kills < 10, "the kills miss the phase"
            world.restore("week 1")
            with watch(world.workspace.server) as watched:
                since, requests_before = time.time_ns(), world.count_requests()
                running = world.workspace.start("headwater", "run")
                if phase in LOAD_PHASES:
                    moment = draw_load_moment(phase, publishing.pace, chance)
                    tally.hits += moment.wait(world, running, since, requests_before)
                elif phase == "build":
                    tally.hits += wait_in_build(publishing, running, chance)
                else:
                    drawn = draw_publication_moment(phase, publishing.seconds[phase], chance)
                    tally.hits += drawn.wait(world.workspace.server, watched, running)
                running.kill()
                tally.kills += 1
        world.workspace.run_well("headwater", "run")
    assert publishing.read_built() == publishing.built["week 2"]
    publishing.check_published("week 2")
    publishing.check_readers(readers, tally)
    tally.report("equal")


def wait_in_build(publishing: Publishing, running: Running, chance: Random) -> bool:
    """Waits for a moment at random while dbt builds in DuckDB; False when the run had ended."""
    packages = publishing.world.packages
    all_loaded = len(packages.find(LOADED)) + 2
    came = wait_until(lambda: len(packages.find(LOADED)) == all_loaded, running)
    let_pass(chance.random() * publishing.seconds["build"])
    return came and not running.has_ended
