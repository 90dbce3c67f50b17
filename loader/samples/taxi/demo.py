"""`headwater demo --domain taxi`: files in every known schema, served as the TLC's server serves them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loader.base.settings import ROOT
from loader.samples.demo import Demo
from loader.samples.taxi.files import generate_files
from loader.samples.taxi.server import TaxiServer

_QUESTIONS = (
    ("Where do trips begin, and at which hour most?", "busiest_zones"),
    ("Where do people tip?", "tips_by_borough"),
    ("Which trips are not counted, and why?", "trips_set_aside"),
)


@contextmanager
def serve_files(day: int, data: Path) -> Iterator[Mapping[str, str]]:
    """Serves the files as they are on that day. Writes nothing to `data`."""
    with TaxiServer(generate_files(day)) as server:
        yield {"SOURCES__TAXI__FILES": server.addresses, "SOURCES__TAXI__ZONES": server.zones_address}


DEMO = Demo(
    domain="taxi",
    folder="demo-taxi",
    serve=serve_files,
    answers=[
        (question, (ROOT / "dbt_project" / "analyses" / "taxi" / f"{name}.sql").read_text())
        for question, name in _QUESTIONS
    ],
    days=2,
    next_steps=(("headwater demo --domain taxi --day 2", "a month is corrected, and another has come"),),
)
