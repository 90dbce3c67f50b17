"""What dbt reports is shortened to what a user can act on."""

from loader.publish.dbt import DbtRun

# As dbt prints it.
_REFUSED = """Encountered an error:
Database Error
  Not published: marts.fct_mine would be lost, for this project has no such mart. Drop it.
  CONTEXT:  PL/pgSQL function inline_code_block line 134 at RAISE"""


def test_a_refused_publication_is_described_by_its_sentence_alone() -> None:
    described = DbtRun(is_successful=False, seconds=1, errors=[_REFUSED]).describe_errors()
    assert "marts.fct_mine would be lost" in described
    assert "PL/pgSQL" not in described
    assert "Encountered" not in described
