"""What the kills of every phase came to."""

from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass
class PhaseTally:
    """One phase: kills, those that fell into it, clean runs that ended equal, what readers saw meanwhile."""

    phase: str
    kills: int = 0
    hits: int = 0
    equal_runs: int = 0
    polls: int = 0
    versions_seen: Counter[str] = field(default_factory=Counter)

    def report(self, line: str) -> None:
        """Prints how far the phase is; pytest shows it when the test fails, and `make chaos` always."""
        print(f"{self.phase}: {line} (kills {self.kills}, in the phase {self.hits})", flush=True)


def print_tallies(tallies: list[PhaseTally]) -> None:
    """The table at the end of `make chaos`."""
    table = Table(title="Kills")
    table.add_column("phase")
    for heading in ("kills", "in the phase", "clean runs equal", "readers' polls"):
        table.add_column(heading, justify="right")
    table.add_column("versions that readers saw")
    for tally in tallies:
        numbers = (tally.kills, tally.hits, tally.equal_runs, tally.polls)
        seen = ", ".join(f"{name}: {count:,}" for name, count in sorted(tally.versions_seen.items()))
        table.add_row(tally.phase, *(f"{number:,}" for number in numbers), seen)
    Console().print(table)
