"""A load of trip files that is killed at any moment, once or often, continues to the same raw, row by row.

`HEADWATER_CHAOS_KILLS` and `HEADWATER_CHAOS_SEED` are explained in `chance.py`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import pytest

from loader.samples.taxi.files import generate_files
from loader.samples.taxi.server import TaxiServer
from tests.chaos.chance import KILLS, draw_kills_in_a_row, make_random
from tests.chaos.loading import LOAD_PHASES, Pace, draw_load_moment, find_load_phase, measure_pace
from tests.chaos.saved import ServedWarehouse
from tests.chaos.tally import PhaseTally
from tests.support.workspace import Workspace

_LOAD = ("dlt", "pipeline", "run")
_TABLES = ("trips", "zones", "files", "rejected_records")
# What a load that comes later writes otherwise.
_OF_THE_LOAD = {"_dlt_load_id", "loaded_at", "seconds"}
# Of each table the rows, and the sum of their hashes.
Rows = dict[str, tuple[object, ...]]


class FileWorld(ServedWarehouse):
    """The TLC's server as it is on each day, and a warehouse into which its files are loaded."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace, "taxi")
        self._days = {day: generate_files(day) for day in (1, 2)}
        self.server = TaxiServer({})
        workspace.environment |= {"HEADWATER_DOMAINS": "taxi", "SOURCES__TAXI__ZONES": self.server.zones_address}

    def serve(self, day: int) -> None:
        """Lets the commands that follow see the files as they are on that day."""
        self.server.files = self._days[day]
        self.workspace.environment["SOURCES__TAXI__FILES"] = self.server.addresses

    def count_requests(self) -> int:
        return len(self.server.requests)

    def load(self, day: int) -> str:
        self.serve(day)
        return self.workspace.run_well(*_LOAD)

    def kill(self, phase: str, pace: Pace, chance: Random, tally: PhaseTally) -> bool:
        """Kills a load at a moment of the phase; False if it had ended before."""
        moment = draw_load_moment(phase, pace, chance)
        since, requests_before = time.time_ns(), self.count_requests()
        running = self.workspace.start(*_LOAD)
        came = moment.wait(self, running, since, requests_before)
        running.kill()
        tally.kills += 1
        found = find_load_phase(self.packages) if came else "nothing: too late"
        tally.hits += found == phase
        tally.report(f"{moment}: killed in {found}")
        return came

    def read_rows(self) -> Rows:
        """Every row of every table that is there, but for what a later load writes otherwise."""
        if not self.workspace.settings.warehouse.exists():
            return {}
        rows = {}
        with self.open_duckdb() as connection:
            sql = "select column_name from duckdb_columns() where schema_name = 'raw_taxi' and table_name = ?"
            for table in _TABLES:
                columns = {name for (name,) in connection.execute(sql, [table]).fetchall()}
                if compared := ", ".join(sorted(columns - _OF_THE_LOAD)):
                    hashed = f"select count(*), coalesce(sum(hash({compared})), 0) from raw_taxi.{table}"
                    rows[table] = connection.execute(hashed).fetchone() or ()
        return rows

    def read_loads(self) -> dict[str, tuple[str, str]]:
        """The loads that the rows of each file are of: the first and the last."""
        with self.open_duckdb() as connection:
            sql = "select file_name, min(_dlt_load_id), max(_dlt_load_id) from raw_taxi.trips group by all"
            return {name: (first, last) for name, first, last in connection.execute(sql).fetchall()}

    def check_counts(self) -> None:
        """New rows without removed ones are the rows that are there."""
        with self.open_duckdb() as connection:
            sql = "select sum(new_count - removed_count) from raw_taxi.load_counts where resource = 'trips'"
            assert (
                connection.execute(sql).fetchone()
                == connection.execute("select count(*) from raw_taxi.trips").fetchone()
            )


@dataclass(frozen=True)
class Files:
    """Saved states to start from, and what raw holds after loads that nothing disturbed."""

    world: FileWorld
    pace: Pace
    after: dict[int, Rows]
    first_loads: dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def files(module_workspace: Workspace) -> Iterator[Files]:
    world = FileWorld(module_workspace)
    with world.server:
        world.save("nothing")
        world.load(1)
        world.save("day 1")
        after, first_loads = {1: world.read_rows()}, world.read_loads()
        world.serve(2)
        pace = measure_pace(world, packages=1)
        after[2] = world.read_rows()
        assert after[1]["trips"] != after[2]["trips"]
        yield Files(world, pace, after, first_loads)


@pytest.mark.parametrize("phase", LOAD_PHASES)
def test_a_killed_load_of_files_goes_on_to_the_same_rows(
    files: Files, phase: str, start_tally: Callable[[str], PhaseTally]
) -> None:
    name = f"files, {phase}"
    chance, tally, world = make_random(name), start_tally(name), files.world
    while tally.hits < KILLS:
        assert tally.kills < 10 * KILLS, "the kills miss the phase"
        start, day = chance.choice([("nothing", 1), ("nothing", 2), ("day 1", 2)])
        world.restore(start)
        world.serve(day)
        before = world.read_rows()
        for _ in range(draw_kills_in_a_row(chance, KILLS - tally.hits)):
            if not world.kill(phase, files.pace, chance, tally):
                break
            for table, rows in world.read_rows().items():
                assert rows in ((0, 0), before.get(table), files.after[day][table]), (table, "is between two states")
                assert rows != (0, 0) or table not in before, table
        printed = world.load(2)
        assert world.read_rows() == files.after[2], printed
        assert not world.packages.pending
        assert list((world.workspace.settings.state / "downloads").glob("*")) == []
        world.check_counts()
        if start == "day 1":
            changed = {file for file, loads in world.read_loads().items() if files.first_loads.get(file) != loads}
            assert changed == {"yellow_tripdata_2025-01.parquet", "yellow_tripdata_2025-02.parquet"}
        tally.equal_runs += 1
        tally.report(f"from {start}, day {day}: equal")
