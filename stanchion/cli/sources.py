"""Where each setting has its value from: an option, else the environment, else the settings file, else the default.

- A variable `STANCHION_...` that is no setting is refused with the nearest one: a misspelt limit is no limit.
- An empty variable counts as absent, as deployment tools leave them. The values of a repeatable one are separated
  by blanks.
- Kubernetes and Docker describe services to containers in variables of their own; those of a service that is
  named after us look like ours and are passed over. So are those that tell our own tests what to use.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stanchion.cli.group import WrongSetting
from stanchion.cli.settings_file import SEE_HELP, SettingsFile
from stanchion.model.wording import nearest
from stanchion.settings import SETTINGS, Setting, SettingValue

Source: TypeAlias = Literal["option", "environment", "file", "default"]

PREFIX = "STANCHION_"
CONFIG_VARIABLE = "STANCHION_CONFIG"
# Whoever works on us may have them set while trying a command.
_OF_TESTS = ("STANCHION_TEST_", "STANCHION_CRASH_")
CLIENT_SECRET_VARIABLE = "STANCHION_CLIENT_SECRET"  # noqa: S105 (the name of a variable)

_VARIABLES = (*(setting.variable for setting in SETTINGS.values()), CONFIG_VARIABLE, CLIENT_SECRET_VARIABLE)
_REST_OF_VARIABLES = tuple(name.removeprefix(PREFIX) for name in _VARIABLES)

# Kubernetes: "Discovering services", environment variables.
_SERVICE_VARIABLE = re.compile(
    r"_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$", re.ASCII
)
_SERVICE_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://", re.ASCII)


@dataclass(frozen=True)
class Found:
    """The value of a setting, what kind of place it is from, and that place by its name."""

    setting: Setting
    value: SettingValue
    source: Source
    place: str


def find_settings(
    options: Mapping[str, SettingValue],
    *,
    fixed: Mapping[str, SettingValue],
    environment: Mapping[str, str],
    file: SettingsFile | None,
) -> list[Found]:
    """Return every setting of the table with its value.

    `options` are those that were given; `fixed` are defaults of a command that only an option changes. Raises
    WrongSetting for a variable that is no setting or has no value for one.
    """
    variables = _ours(environment)
    _require_known(variables)
    return [
        _find(setting, options=options, fixed=fixed, variables=variables, file=file)
        for setting in SETTINGS.values()
    ]


def _find(
    setting: Setting,
    *,
    options: Mapping[str, SettingValue],
    fixed: Mapping[str, SettingValue],
    variables: Mapping[str, str],
    file: SettingsFile | None,
) -> Found:
    if setting.name in options:
        return Found(setting, options[setting.name], "option", setting.option)
    if setting.name in fixed:
        return Found(setting, fixed[setting.name], "default", "default of this command")
    if setting.variable in variables:
        value = _of_variable(setting, variables[setting.variable])
        return Found(setting, value, "environment", setting.variable)
    if file is not None and setting.name in file.values:
        return Found(setting, file.values[setting.name], "file", str(file.path))
    return Found(setting, setting.default, "default", "default")


def _of_variable(setting: Setting, text: str) -> SettingValue:
    try:
        if not setting.repeatable:
            return setting.of_text(text)
        return tuple(str(setting.of_text(part)) for part in text.split())
    except ValueError as error:
        raise WrongSetting(f"Invalid value for {setting.variable}: {error}") from None


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name.startswith(PREFIX)
        and text
        and not name.startswith(_OF_TESTS)
        and not _describes_a_service(name, text)
    }


def _describes_a_service(name: str, text: str) -> bool:
    if name.endswith("_PORT") and _SERVICE_ADDRESS.match(text):
        return True
    return _SERVICE_VARIABLE.search(name) is not None and name not in _VARIABLES


def _require_known(names: Iterable[str]) -> None:
    for name in names:
        if name not in _VARIABLES:
            # Without what all of them begin with, or any would be like any other.
            found = nearest(name.removeprefix(PREFIX), _REST_OF_VARIABLES)
            known = f" Did you mean '{PREFIX}{found}'?" if found else SEE_HELP
            raise WrongSetting(f"The variable {name[:80]!a} is no setting.{known}")
