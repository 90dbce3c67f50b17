"""The worked examples of docs/adding-a-mart.md and docs/adding-a-question.md: they work as they stand, and the mart can
be removed again.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator

import duckdb
import pytest

from loader.base.settings import ROOT
from tests.support.checkout import Checkout
from tests.support.published import copy_published_sample
from tests.support.publishing import execute
from tests.support.worked_example import add_worked_example, read_blocks

PAGES = ("adding-a-mart", "adding-a-question")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Checkout]:
    """A copy of the checkout with both examples, and the published sample with the mart; removed at the end."""
    base = tmp_path_factory.getbasetemp()
    with Checkout(tmp_path_factory.mktemp("mart"), domains=("academic",)) as made:
        copy_published_sample(made, base if worker_id == "master" else base.parent)  # as it is without the mart
        for page in PAGES:
            add_worked_example(made.root, page)
        made.run_well("dbt", "build", "--select", "int_journal_years+")
        made.run_well("dbt", "run-operation", "handoff")
        made.run_well("dbt", "build", "--target", "postgres")
        yield made
        remove(made)
        assert "fct_journal_years" not in made.run_well("headwater", "status")  # nothing is left over or differs


def remove(checkout: Checkout) -> None:
    """Does what the page says of it."""
    for path in {block.path for page in PAGES for block in read_blocks(page)}:
        shipped, changed = ROOT / path, checkout.root / path
        if shipped.exists():
            shutil.copy(shipped, changed)
        else:
            changed.unlink()
    execute(checkout, "drop table marts.fct_journal_years")
    with duckdb.connect(str(checkout.settings.warehouse)) as connection:
        connection.execute("drop table marts.fct_journal_years; drop table transform.int_journal_years")


def count_journal_years(checkout: Checkout) -> list[tuple[object, ...]]:
    """What the mart must hold, from the papers as they are published."""
    journal_years: dict[tuple[str, int], dict[object, bool]] = defaultdict(dict)
    sql = "select paper_id, journal_name, publication_year, is_open_access, is_future_dated from marts.fct_papers"
    for paper, journal, year, is_open, is_future in checkout.query_postgres(sql):
        if journal is not None and not is_future:
            journal_years[str(journal), int(str(year))][paper] = bool(is_open)
    return sorted((*key, len(papers), sum(papers.values())) for key, papers in journal_years.items())


def test_both_engines_hold_the_mart(checkout: Checkout) -> None:
    sql = "select journal_name, publication_year, paper_count, open_access_paper_count from marts.fct_journal_years"
    expected = count_journal_years(checkout)
    assert expected
    assert sorted(checkout.query_postgres(sql)) == expected
    with checkout.open_duckdb() as connection:
        assert sorted(connection.execute(sql).fetchall()) == expected
    rights = "select has_table_privilege('headwater_reader', 'marts.fct_journal_years', 'select')"
    assert checkout.query_postgres(rights) == [(True,)]
    keys = "select contype from pg_constraint where conrelid = 'marts.fct_journal_years'::regclass and contype = 'p'"
    assert len(checkout.query_postgres(keys)) == 1


def test_the_question_is_in_the_report_and_in_the_lineage(checkout: Checkout) -> None:
    checkout.run_well("headwater", "report")
    page = (checkout.settings.data / "report" / "report.html").read_text()
    sql = (checkout.root / "dbt_project/analyses/academic/venues.sql").read_text()
    answer = checkout.query_postgres(sql)
    assert "Where do we publish?" in page
    assert answer
    assert str(answer[0][0]) in page
    # Of this `headwater docs` makes the site's page.
    manifest = json.loads((checkout.settings.find_dbt_artifacts() / "manifest.json").read_text())
    exposure = manifest["exposures"]["exposure.headwater.venues"]
    assert "model.headwater.fct_journal_years" in exposure["depends_on"]["nodes"]


def test_what_was_added_passes_the_conventions_and_sqlfluff(checkout: Checkout) -> None:
    written = [block.path for page in PAGES for block in read_blocks(page) if block.path.endswith(".sql")]
    checkout.run_well("sqlfluff", "lint", "--disable-progress-bar", *written)
    finished = checkout.run_pytest("tests/project/test_conventions.py", "-k", "journal_years")
    assert finished.status == 0, finished.output
