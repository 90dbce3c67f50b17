"""Everything that is written lies beside the warehouse."""

from pathlib import Path

import pytest

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT, derive_tool_environment, read_settings


def test_without_variables_everything_is_in_the_repositorys_data_folder() -> None:
    settings = read_settings({})
    assert settings.warehouse == ROOT / "data" / "warehouse.duckdb"
    for path in (settings.state, settings.find_dbt_artifacts(), settings.postgres_data, settings.postgres_socket):
        assert path.is_relative_to(ROOT / "data")


def test_two_warehouses_in_one_folder_share_no_state(tmp_path: Path) -> None:
    states = {
        read_settings({"HEADWATER_WAREHOUSE": str(tmp_path / name)}).state for name in ("dev.duckdb", "prod.duckdb")
    }
    assert len(states) == 2


def test_another_warehouse_has_another_embedded_postgres(tmp_path: Path) -> None:
    usual = read_settings({"HEADWATER_DATA": str(tmp_path)})
    other = read_settings({"HEADWATER_DATA": str(tmp_path), "HEADWATER_WAREHOUSE": "dev.duckdb"})
    assert other.warehouse == tmp_path / "dev.duckdb"
    assert usual.postgres_data == tmp_path / "postgres" != other.postgres_data
    assert other.postgres_data.is_relative_to(other.state)


def test_the_tools_write_where_the_warehouse_is(tmp_path: Path) -> None:
    tools = derive_tool_environment(read_settings({"HEADWATER_DATA": str(tmp_path)}))
    for name in ("DLT_DATA_DIR", "DBT_TARGET_PATH", "DBT_LOG_PATH", "HEADWATER_WAREHOUSE_PATH"):
        assert Path(tools[name]).is_relative_to(tmp_path)


def test_a_socket_path_that_would_be_too_long_is_made_short(tmp_path: Path) -> None:
    settings = read_settings({"HEADWATER_DATA": str(tmp_path / ("deep/" * 40))})
    assert len(str(settings.postgres_socket / ".s.PGSQL.5432")) < 107


def test_a_waiting_time_that_is_no_number_is_named() -> None:
    with pytest.raises(HeadwaterError, match="HEADWATER_LOCK_WAIT_SECONDS is 'long'"):
        read_settings({"HEADWATER_LOCK_WAIT_SECONDS": "long"})
