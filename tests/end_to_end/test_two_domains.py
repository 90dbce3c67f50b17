"""Two domains in one warehouse: the fixture, and a run of one of them."""

from tests.support.checkout import Checkout


def test_both_are_published_and_one_can_be_run_alone(two_domains: Checkout) -> None:
    for mart in ("fct_stories", "fct_papers", "dim_authors"):
        assert two_domains.query_postgres(f"select count(*) > 0 from marts.{mart}") == [(True,)], mart
    papers = two_domains.query_postgres("select 'marts.fct_papers'::regclass::oid")
    printed = two_domains.run_well("headwater", "run", "--domain", "discussions", "--force")
    assert "fct_stories" in printed
    assert "openalex" not in printed
    assert two_domains.query_postgres("select 'marts.fct_papers'::regclass::oid") == papers
