"""A resource that comes in several loads has one bar, or one count."""

from io import StringIO

import pytest
from rich.console import Console

from loader.raw.ledger import LoadCounts
from loader.runs.progress import follow


@pytest.mark.parametrize(("is_terminal", "shown"), [(True, "300/300"), (False, "300 records read")])
def test_the_loads_of_a_resource_are_counted_together(is_terminal: bool, shown: str) -> None:
    output = StringIO()
    with follow("openalex", Console(file=output, force_terminal=is_terminal, width=100)) as progress:
        for records, expected in ((200, 1_000), (100, 800)):
            progress.start("coauthor_years")
            progress.advance("coauthor_years", records, expected)
            progress.finish("coauthor_years", LoadCounts(extracted=records))
    assert shown in output.getvalue()
