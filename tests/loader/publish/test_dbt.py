"""What dbt reports is shortened to what a user can act on."""

from datetime import UTC, datetime

from loader.publish.dbt import DbtRun
from loader.publish.dbt_report import find_failure
from tests.support.workspace import Workspace

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


def test_a_refusal_in_a_hook_is_one_line_without_colours() -> None:
    printed = """\x1b[31mFailure in operation headwater-on-run-end-0 (./dbt_project.yml)\x1b[0m
  headwater.on-run-end.0 failed, error:
 Not published: marts.fct_mine would be lost, for this project has no such mart. Drop it."""
    described = DbtRun(is_successful=False, seconds=1, errors=[printed]).describe_errors()
    assert described == "Not published: marts.fct_mine would be lost, for this project has no such mart. Drop it."


def test_results_that_a_full_disk_cut_short_are_a_failure(workspace: Workspace) -> None:
    results = workspace.settings.find_dbt_artifacts("duckdb") / "run_results.json"
    results.parent.mkdir(parents=True)
    results.write_text("")
    started_at = datetime.fromtimestamp(0, UTC)
    assert find_failure(workspace.settings, "duckdb", started_at) == "dbt could not write down what it did"
