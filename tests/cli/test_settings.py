"""Where settings come from: which source wins, what each may say, and what `stanchion settings` shows of it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec import structs

from stanchion.cli.serve import changed
from stanchion.cli.settings_file import MAX_FILE_BYTES
from stanchion.settings import HIDDEN, SETTINGS, Setting, Settings
from tests.cli.invoking import invoke, printed
from tests.serving.place import Place

# Two values for each setting, the first other than the default: what an option, a variable and the file may hold.
TEXTS: Mapping[str, tuple[str, str]] = {
    "database": ("sqlite:////a/a.db", "sqlite:////b/b.db"),
    "log_level": ("debug", "error"),
    "log_format": ("json", "human"),
    "throttle": ("graph", "none"),
}


def texts(setting: Setting) -> tuple[str, str]:
    """Return two values as options spell them."""
    if setting.name in TEXTS:
        return TEXTS[setting.name]
    return ("11", "12") if setting.is_number else ("/one", "/two")


def toml(setting: Setting, text: str) -> str:
    """Return a line of the file."""
    value = text if setting.is_number else json.dumps(text)
    return f"{setting.name} = [{value}]\n" if setting.repeatable else f"{setting.name} = {value}\n"


def value(setting: Setting, text: str) -> object:
    """Return the value as JSON shows it."""
    if setting.repeatable:
        return [text]
    return int(text) if setting.is_number else text


def shown(*arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, dict[str, object]]:
    """Return what `stanchion settings` shows, by setting."""
    rows = printed(invoke("settings", *arguments, "--json", environment=environment))
    return {row["setting"]: row for row in rows}


def fault(*arguments: object, environment: Mapping[str, str] | None = None) -> str:
    """Return the one line in which settings are refused."""
    result = invoke("settings", *arguments, environment=environment)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.removeprefix("Error: ").strip()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_an_option_wins_over_the_environment_over_the_file_over_the_default(
    setting: Setting, folder: Path
) -> None:
    one, two = texts(setting)
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    seen = [shown()[setting.name]]
    (folder / "stanchion.toml").write_text(toml(setting, one))
    seen.append(shown()[setting.name])
    seen.append(shown(environment={setting.variable: two})[setting.name])
    seen.append(shown(setting.option, one, environment={setting.variable: two})[setting.name])

    assert [(row["value"], row["source"], row["from"]) for row in seen] == [
        (default, "default", "default"),
        (value(setting, one), "file", "stanchion.toml"),
        (value(setting, two), "environment", setting.variable),
        (value(setting, one), "option", setting.option),
    ]


def test_people_see_a_table_of_every_setting() -> None:
    result = invoke("settings", "--port", "9000", environment={"STANCHION_HOST": "::1"})

    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["setting", *SETTINGS]
    assert ["host", "::1", "environment", "STANCHION_HOST"] in [line.split() for line in lines]
    assert ["port", "9000", "option", "--port"] in [line.split() for line in lines]
    assert {line.index(" default") for line in lines if line.endswith("default")} == {lines[0].index(" from")}


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("postgresql://user:secret@host/name", "postgresql://user:***@host/name"),
        ("postgresql://user:s@e:c/r?et@host:5432/name", "postgresql://user:***@host:5432/name"),
        ("postgresql://:secret@host/name", "postgresql://:***@host/name"),
        (
            "postgresql://host/name?user=u&password=secret&sslmode=require",
            "postgresql://host/name?user=u&password=***&sslmode=require",
        ),
        ("postgresql://user@host/name", "postgresql://user@host/name"),
        ("sqlite:///stanchion.db", "sqlite:///stanchion.db"),
    ],
)
def test_the_password_of_a_database_is_not_shown(url: str, seen: str) -> None:
    assert shown("--database", url)["database"]["value"] == seen


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.repeatable])
def test_the_passwords_of_a_list_of_addresses_are_not_shown(name: str) -> None:
    setting = SETTINGS[name]
    urls = ("https://u:hunter2@h.example", "https://plain.example", "https://v:swordfish@i.example")
    given = [word for url in urls for word in (setting.option, url)]

    people = invoke("settings", *given)

    assert shown(*given)[name]["value"] == [
        "https://u:***@h.example",
        "https://plain.example",
        "https://v:***@i.example",
    ]
    assert "https://u:***@h.example, https://plain.example, https://v:***@i.example" in people.stdout
    assert "hunter2" not in people.output
    assert "swordfish" not in people.output


@pytest.mark.parametrize("name", ["public_url", "trusted_proxy", "cors_origin"])
def test_the_log_of_a_start_shows_no_password_of_a_list_either(name: str) -> None:
    urls = ("https://u:hunter2@h.example", "https://plain.example")

    line = changed(structs.replace(Settings(), **{name: urls}))

    assert line == f"{name} = https://u:***@h.example, https://plain.example"


def test_the_lists_whose_passwords_are_not_shown_are_these() -> None:
    assert {name for name, setting in SETTINGS.items() if setting.repeatable} == {
        "public_url",
        "trusted_proxy",
        "cors_origin",
    }


def test_a_setting_that_is_a_secret_is_not_shown() -> None:
    secret = Setting("pass", "A secret.", None, holds="secret")

    assert secret.shown("hunter2") == HIDDEN
    assert secret.shown(("hunter2", "swordfish")) == HIDDEN
    with pytest.raises(ValueError, match=rf"^{HIDDEN.replace('*', '.')} is not") as raised:
        secret.of_toml(["hunter2"])
    assert "hunter2" not in str(raised.value)


FAULTS = {
    "port": ["0", "65536", "-1", "http", "1e3", "8_080", ""],
    "workers": ["0", "two"],
    "max_body_bytes": ["0", "4MiB", "1000000000000000000000"],
    "statement_timeout_seconds": ["0", "5s", "86400"],
    "log_level": ["loud", "INFO"],
    "throttle": ["Graph", "150"],
}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in FAULTS.items() for text in texts if text]
)
def test_a_wrong_value_is_refused_in_the_same_words_wherever_it_stands(
    name: str, text: str, folder: Path
) -> None:
    setting = SETTINGS[name]
    given = invoke("settings", setting.option, text)
    assert given.exit_code == 2
    of_option = given.stderr.rpartition(f"Invalid value for '{setting.option}': ")[2].strip()

    of_variable = fault(environment={setting.variable: text})
    assert of_variable == f"Invalid value for {setting.variable}: {of_option}"

    line = toml(setting, text) if setting.is_number and text.lstrip("-").isdigit() else f"{name} = '{text}'\n"
    (folder / "stanchion.toml").write_text(line)
    assert fault() == f"Invalid value for {name} in stanchion.toml: {of_option}"
    assert setting.allowed in of_option


WRONG_FILES = {
    "a text for a number": (
        "port = '8080'",
        "Invalid value for port in stanchion.toml: '8080' is not a whole number from 1 to 65535 while it stands in",
    ),
    "a truth for a number": ("port = true", "Invalid value for port in stanchion.toml: true is not a whole"),
    "a table for a number": (
        "port.a = 1",
        "Invalid value for port in stanchion.toml: a table is not a whole",
    ),
    "a day for a number": ("port = 2026-01-31", "port in stanchion.toml: 2026-01-31 is not a whole number"),
    "a time for a text": ("host = 2026-01-31T07:00:00Z", "2026-01-31T07:00:00+00:00 is not a text"),
    "a number of any length": (
        f"port = 0x{'f' * 5000}",
        "port in stanchion.toml: a number of 20,000 bits is",
    ),
    "a number too long to read": (f"port = {'9' * 5000}", "stanchion.toml is not TOML that can be read"),
    "a fraction": ("port = 80.5", "Invalid value for port in stanchion.toml: 80.5 is not a whole number"),
    "a number for a text": ("host = 1", "Invalid value for host in stanchion.toml: 1 is not a text"),
    "an empty text": ("host = ''", "Invalid value for host in stanchion.toml: '' is not a text"),
    "a control character": (r'key_file = "a\u0000b"', r"'a\x00b' is not a text of printable characters."),
    "a line break that is none of ASCII": ("host = 'a\x85b'", "is not a text of printable characters."),
    "text that runs backwards": ("host = 'a\u202eb'", "is not a text of printable characters."),
    "a text for a list": ("public_url = 'https://a.example'", 'is not a list of texts, such as ["https://'),
    "a list of numbers": ("trusted_proxy = [1]", 'stanchion.toml: [1] is not a list of texts, such as ["10.'),
    "a list for a text": ("database = ['a']", "Invalid value for database in stanchion.toml: ['a'] is not"),
    "a password in a list": ("database = ['postgresql://u:hunter2@h/d']", "postgresql://u:***@h/d"),
    "a name misspelt": ("prot = 1", "stanchion.toml: 'prot' is not a setting. Did you mean 'port'?"),
    "an option's name": ("public-url = []", "'public-url' is not a setting. Did you mean 'public_url'?"),
    "a variable's name": ("STANCHION_PORT = 1", "is not a setting. Did you mean 'port'?"),
    "a name like none": ("x = 1", "'x' is not a setting. `stanchion settings --help` lists those there are."),
    "a table": (
        "[server]\nport = 1",
        "stanchion.toml: 'server' is a table; settings stand outside of tables",
    ),
    "no TOML": ("port = 1\nhost = \n", "stanchion.toml is not TOML: Invalid value (at line 2, column 8)."),
    "a name twice": ("port = 1\nport = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 9)."),
    "too deep": (f"host = {'[' * 5000}", "stanchion.toml is not TOML"),
}


@pytest.mark.parametrize(("text", "said"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_file_that_says_what_no_setting_is_is_refused_in_a_line(text: str, said: str, folder: Path) -> None:
    (folder / "stanchion.toml").write_text(text)

    refused = fault()

    assert said in refused
    assert "hunter2" not in refused


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(folder: Path) -> None:
    (folder / "stanchion.toml").write_bytes(b"port = 1\nhost = '\xff'\n")

    assert fault() == "stanchion.toml is not TOML: line 2 is not UTF-8."


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    (folder / "stanchion.toml").write_bytes(b"\xef\xbb\xbfport = 9000\n")

    assert shown()["port"]["value"] == 9000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("absent.toml", "absent.toml cannot be read: No such file or directory."),
        (".", "The settings file . cannot be read: Is a directory."),
        ("/dev/zero", f"/dev/zero is larger than {MAX_FILE_BYTES:,} bytes."),
    ],
)
def test_a_file_that_was_named_must_be_there_and_readable(name: str, said: str) -> None:
    assert fault("--config", name).endswith(said)
    assert fault(environment={"STANCHION_CONFIG": name}).endswith(said)


def test_an_option_that_names_no_file_is_not_passed_over() -> None:
    assert fault("--config", "").endswith("cannot be read: Is a directory.")


def test_a_named_file_is_read_in_place_of_the_one_that_lies_there(folder: Path) -> None:
    (folder / "stanchion.toml").write_text("port = 1\nhost = 'here'\n")
    (folder / "other.toml").write_text("port = 2\n")

    assert shown("--config", "other.toml")["port"]["value"] == 2
    assert shown(environment={"STANCHION_CONFIG": "other.toml"})["host"]["source"] == "default"
    assert shown("--config", "/dev/null")["port"]["source"] == "default"


def test_a_path_in_a_file_begins_at_the_file(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "s.toml").write_text(
        'database = "sqlite:///data/s.db"\nkey_file = "../s.key"\ntls_key = "/abs.pem"\nhost = "a/b"\n'
    )
    named = shown("--config", etc / "s.toml")

    (etc / "bare.toml").write_text('database = "data/s.db"\n')
    bare = shown("--config", etc / "bare.toml")

    assert named["database"]["value"] == f"sqlite:///{etc}/data/s.db"
    assert bare["database"]["value"] == f"{etc}/data/s.db"
    assert named["key_file"]["value"] == f"{etc}/../s.key"
    assert named["tls_key"]["value"] == "/abs.pem"
    assert named["host"]["value"] == "a/b"
    assert shown("--key-file", "k", "--config", etc / "s.toml")["key_file"]["value"] == "k"


@pytest.mark.sqlite("is about a path in a file of settings")
def test_a_store_named_in_a_file_is_the_same_wherever_the_command_runs(place: Place, folder: Path) -> None:
    (place.folder / "s.toml").write_text('database = "sqlite:///stanchion.db"\n')

    listed = printed(invoke("tenant", "list", "--json", "--config", place.folder / "s.toml"))
    assert len(listed) == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("STANCHION_PROT", "STANCHION_PORT"),
        ("STANCHION_PUBLIC_URLS", "STANCHION_PUBLIC_URL"),
        ("STANCHION_MAX_BODY_SIZE", "STANCHION_MAX_BODY_BYTES"),
        ("STANCHION_CONF", "STANCHION_CONFIG"),
        ("STANCHION_HOSTNAME", "STANCHION_HOST"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest(variable: str, nearest: str) -> None:
    assert fault(environment={variable: "1"}) == (
        f"The variable '{variable}' is no setting. Did you mean '{nearest}'?"
    )


def test_a_variable_like_no_setting_is_refused_without_a_guess() -> None:
    assert fault(environment={"STANCHION_XYZZY": "1"}) == (
        "The variable 'STANCHION_XYZZY' is no setting. `stanchion settings --help` lists those there are."
    )


def test_text_that_is_not_utf_8_is_refused() -> None:
    assert fault(environment={"STANCHION_HOST": "\udcff"}).endswith("is not a text of printable characters.")


@pytest.mark.parametrize("command", [("tenant", "list"), ("key", "list"), ("serve",)], ids=" ".join)
def test_every_command_on_a_store_refuses_what_is_no_setting(command: tuple[str, ...], place: Place) -> None:
    result = invoke(*command, *place.options, environment={"STANCHION_PROT": "1"})

    assert (result.exit_code, result.stdout) == (2, "")
    assert "STANCHION_PORT" in result.stderr


def test_an_empty_variable_counts_as_absent() -> None:
    row = shown(environment={"STANCHION_PORT": "", "STANCHION_CONFIG": "", "STANCHION_PROT": ""})["port"]

    assert row["source"] == "default"


def test_a_repeatable_variable_holds_values_separated_by_blanks() -> None:
    row = shown(environment={"STANCHION_TRUSTED_PROXY": "10.0.0.1 10.0.0.2"})["trusted_proxy"]

    assert row["value"] == ["10.0.0.1", "10.0.0.2"]


def test_what_is_said_to_the_tests_is_passed_over() -> None:
    said = {"STANCHION_TEST_POSTGRES_BIN": "/bin", "STANCHION_CRASH_KILLS": "200"}

    assert {row["source"] for row in shown(environment=said).values()} == {"default"}


def test_what_kubernetes_says_of_a_service_of_our_name_is_passed_over() -> None:
    service = {
        "STANCHION_SERVICE_HOST": "10.96.0.7",
        "STANCHION_SERVICE_PORT": "8080",
        "STANCHION_SERVICE_PORT_HTTP": "8080",
        "STANCHION_PORT": "tcp://10.96.0.7:8080",
        "STANCHION_PORT_8080_TCP": "tcp://10.96.0.7:8080",
        "STANCHION_PORT_8080_TCP_PROTO": "tcp",
        "STANCHION_PORT_8080_TCP_PORT": "8080",
        "STANCHION_PORT_8080_TCP_ADDR": "10.96.0.7",
        "STANCHION_CONSOLE_PORT": "tcp://10.96.0.8:80",
    }

    assert {row["source"] for row in shown(environment=service).values()} == {"default"}


def test_the_demo_keeps_its_own_store_whatever_is_set(folder: Path) -> None:
    (folder / "stanchion.toml").write_text("database = 'sqlite:////nowhere/file.db'\nport = 70000\n")
    result = invoke("demo", environment={"STANCHION_DATABASE": "sqlite:////nowhere/env.db"})

    assert result.stderr.strip().endswith("70000 is not a whole number from 1 to 65535.")
    assert "default: sqlite:///.stanchion/demo.db" in " ".join(invoke("demo", "--help").stdout.split())


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_every_setting_explains_itself(setting: Setting) -> None:
    assert setting.sentence.endswith(".")
    assert not setting.is_number or (setting.least is not None and setting.most is not None)
    assert not setting.repeatable or setting.example is not None
