"""Lets dlt read the user's own settings, `.dlt/local.config.toml`, before those that ship with the repository."""

from typing import Any

from dlt.common.configuration.plugins import hookimpl
from dlt.common.configuration.providers import SettingsTomlProvider
from dlt.common.configuration.providers.provider import ConfigProvider
from dlt.common.runtime.run_context import RunContext

from loader.base.settings import CONFIG, LOCAL_CONFIG


class HeadwaterContext(RunContext):
    """dlt's own context, with one more file: environment, secrets.toml, local.config.toml, config.toml."""

    def initial_providers(self) -> list[ConfigProvider]:
        """See RunContext."""
        own = SettingsTomlProvider(LOCAL_CONFIG, False, LOCAL_CONFIG, [self.settings_dir])
        providers = super().initial_providers()
        place = [provider.name for provider in providers].index(CONFIG)
        return [*providers[:place], own, *providers[place:]]


@hookimpl
def plug_run_context(run_dir: str | None, runtime_kwargs: dict[str, Any] | None) -> RunContext:
    """Dlt asks its plug-ins for the context before it reads any setting."""
    return HeadwaterContext(run_dir)
