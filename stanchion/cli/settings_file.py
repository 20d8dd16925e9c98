"""The settings file: `stanchion.toml` in the working directory, or the file that `--config` names.

- TOML, every setting at the top by the name that the table gives it; repeatable ones are lists.
- What is not a setting is refused, never passed over, so that a slip of the pen is not a default unnoticed.
- A relative path in the file begins at the file's folder: the file says the same wherever it is read from.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stanchion.cli.group import WrongSetting
from stanchion.model.wording import did_you_mean, shown
from stanchion.settings import SETTINGS, Setting, SettingValue

DEFAULT_FILE = Path("stanchion.toml")
# Far beyond any settings, and soon read: the name may be that of a device.
MAX_FILE_BYTES = 1024 * 1024

SEE_HELP = " `stanchion settings --help` lists those there are."

_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file says, by the names of the settings."""

    path: Path
    values: Mapping[str, SettingValue]


def read_settings_file(named: str | None) -> SettingsFile | None:
    """Return the file that was named, else the default one, None where there is none.

    Raises WrongSetting naming the file and the key at fault.
    """
    path = DEFAULT_FILE if named is None else Path(named)
    text = _text_of(path, must_exist=named is not None)
    if text is None:
        return None
    try:
        content: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongSetting(f"{path} is not TOML: {error}.") from None
    except (RecursionError, ValueError):
        raise WrongSetting(
            f"{path} is not TOML that can be read: it nests too deep, or a number has thousands of digits."
        ) from None
    return SettingsFile(path, {name: _value(path, name, value) for name, value in content.items()})


def _text_of(path: Path, *, must_exist: bool) -> str | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        if not must_exist:
            return None
        raise WrongSetting(f"The settings file {path} cannot be read: {error.strerror}.") from None
    except OSError as error:
        raise WrongSetting(f"The settings file {path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_FILE_BYTES:
        raise WrongSetting(f"The settings file {path} is larger than {MAX_FILE_BYTES:,} bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise WrongSetting(f"{path} is not TOML: line {line} is not UTF-8.") from None


def _value(path: Path, name: str, value: object) -> SettingValue:
    setting = SETTINGS.get(name)
    if setting is None:
        raise WrongSetting(f"{path}: {shown(name)} {_what_is_wrong(name, value)}")
    try:
        return _beside(path, setting, setting.of_toml(value))
    except ValueError as error:
        raise WrongSetting(f"Invalid value for {name} in {path}: {error}") from None


def _what_is_wrong(name: str, value: object) -> str:
    if isinstance(value, dict):
        return "is a table; settings stand outside of tables, at the top."
    # The name of a variable may have been copied.
    known = did_you_mean(name.lower().removeprefix("stanchion_"), SETTINGS) or SEE_HELP
    return f"is not a setting.{known}"


def _beside(path: Path, setting: Setting, value: SettingValue) -> SettingValue:
    """Return a value with its path, if it is one, from the folder of the file."""
    if not isinstance(value, str):
        return value
    match setting.holds:
        case "url" if value.startswith(_SQLITE):
            return _SQLITE + str(path.parent / value.removeprefix(_SQLITE))
        case "path" | "url" if "://" not in value:
            return str(path.parent / value)
        case _:
            return value
