"""``ecs-localai hosts add``, ``edit``, ``remove``, ``default`` and ``move``: the list, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecs_localai.commands.host_book import change_hosts
from ecs_localai.components.hosts import HostProtocol, OllamaConfiguration
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.store import Store
from ecs_localai.systems.saved_hosts import SavedHost, read_saved_hosts
from tests.cli.cli_parts import Cli

SECRET = "sk-5p1ll-n0th1ng"


def saved(cli: Cli) -> list[SavedHost]:
    """The list as the panel would read it."""
    with Store.open(cli.data_dir) as store:
        hosts, problems = read_saved_hosts(store.initial.hosts, store.initial.settings)
    assert problems == []
    return hosts


def names(cli: Cli) -> list[str]:
    """The hosts' names in order, the default one with a star."""
    return [f"{host.name}{'*' if host.is_default else ''}" for host in saved(cli)]


def add(cli: Cli, *arguments: str, **env: str) -> None:
    """Add a host, which works and says nothing on standard error."""
    ended = cli.run("hosts", "add", *arguments, env=env)
    assert (ended.code, ended.err) == (0, ""), ended


def test_the_first_host_that_is_added_joins_this_computer(cli: Cli) -> None:
    add(cli, "gpu.example", "--name", "gpu")
    add(cli, "https://example.com/ollama")
    assert names(cli) == ["This computer*", "gpu", "example.com/ollama"]
    assert [host.config.base_url for host in saved(cli)] == [
        "http://127.0.0.1:11434",
        "http://gpu.example:11434",
        "https://example.com:443/ollama",
    ]


def test_where_the_environment_names_a_host_it_is_not_saved(cli: Cli) -> None:
    add(cli, "gpu.example", "--name", "gpu", OLLAMA_HOST="elsewhere.example")
    assert names(cli) == ["gpu*"]


def test_default_and_order_and_removal(cli: Cli) -> None:
    add(cli, "a.example", "--name", "a")
    add(cli, "b.example", "--name", "b", "--default")
    assert names(cli) == ["This computer", "a", "b*"]
    assert cli.run("hosts", "default", "A").out == "a is the default host now.\n"
    assert cli.run("hosts", "move", "b", "up").out == "Moved b. The list is: This computer, b, a.\n"
    assert cli.run("hosts", "move", "b.example:11434", "up").code == 0  # an address is as good as a name
    assert cli.run("hosts", "move", "b", "up").code == 0
    assert names(cli) == ["b", "This computer", "a*"]
    assert cli.run("hosts", "move", "b", "99").code == 0
    assert names(cli) == ["This computer", "a*", "b"]
    ended = cli.run("hosts", "remove", "a")
    assert ended.out == (
        "Removed a from the list; its models stay where they are. The default one is This computer now.\n"
    )
    assert cli.run("hosts", "remove", "this computer").code == 0
    assert names(cli) == ["b*"]
    assert "b is the only host" in cli.run("hosts", "remove", "b").error


def test_an_edit_changes_what_is_given_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("not read until a connection is made")
    add(cli, "https://gpu.example", "--name", "gpu", "--ca-file", "ca.pem", "--timeout", "2.5", "--server-name", "x")
    ended = cli.run("hosts", "edit", "gpu", "--name", "big gpu", "--bearer-env", "TOKEN", env={"TOKEN": SECRET})
    assert (ended.code, ended.err) == (0, "")
    ended = cli.run("hosts", "edit", "big gpu", "--address", "https://gpu.example:8443/ai", "--server-name", "")
    assert (ended.code, ended.out) == (0, "Changed big gpu at https://gpu.example:8443/ai.\n")
    host = saved(cli)[1]
    assert (host.name, host.config.base_url) == ("big gpu", "https://gpu.example:8443/ai")
    assert host.config.connection_timeout.total_seconds() == 2.5
    auth, tls = host.config.authentication, host.config.tls
    assert auth is not None
    assert tls is not None
    assert auth.source == SecretSource(SecretPlace.ENVIRONMENT, "TOKEN")
    assert (tls.ca_file, tls.server_name) == (str(ca), "")
    assert cli.run("hosts", "edit", "big gpu", "--no-login", "--ca-file", "", "--openai").code == 0
    host = saved(cli)[1]
    assert (host.config.authentication, host.config.tls, host.protocol) == (None, None, HostProtocol.OPENAI)
    assert cli.run("hosts", "edit", "big gpu").out.startswith("big gpu stays as it is: nothing else was given.")


def test_a_host_of_another_protocol_is_off_until_the_feature_is_on(cli: Cli) -> None:
    ended = cli.run("hosts", "add", "127.0.0.1:9/v1", "--name", "llama", "--openai")
    assert ended.code == 0
    assert ended.err == "Note: Hosts that are no Ollama are off: switch Custom providers on in the panel to use it.\n"
    told = next(one for one in cli.run("hosts", "--json").objects if one["name"] == "llama")
    assert (told["protocol"], told["connected"], told["error_kind"]) == ("openai", False, "not_supported")
    with Store.open(cli.data_dir) as store:
        store.set_flag("custom_providers", True)
    told = next(one for one in cli.run("hosts", "--json").objects if one["name"] == "llama")
    assert told["error_kind"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", ""), "The address is empty."),
        (("add", "two words"), "has a space"),
        (("add", "ftp://gpu"), "starts with http:// or https://"),
        (("add", "gpu.example"), "http://gpu.example:11434 is in the list already, as gpu. To change it: ecs-localai"),
        (("add", "other.example", "--name", "GPU"), "Another host is called gpu."),
        (("edit", "gpu", "--address", "127.0.0.1"), "is in the list already, as This computer."),
        (
            ("edit", "gpu", "--address", "localhost"),
            "is the same as http://127.0.0.1:11434: in the list",
        ),
        (
            ("add", "localhost:11434", "--name", "twin"),
            "is the same as http://127.0.0.1:11434: in the list",
        ),
        (
            ("add", "[::ffff:127.0.0.1]", "--name", "x"),
            "is the same as http://127.0.0.1:11434: in the list",
        ),
        (("edit", "gpu", "--name", "localhost"), "localhost is the address of This computer, http://127.0.0.1:11434."),
        (
            ("add", "x.example", "--name", "gpu.example:11434"),
            "is the address of gpu, http://gpu.example:11434.",
        ),
        (
            ("add", "http://gpu:11434"),
            "Another host, at http://gpu.example:11434, is called gpu:",
        ),
        (("edit", "cpu", "--name", "x"), "There is no host called 'cpu'. There are: This computer, gpu."),
        (("remove", "cpu"), "There is no host called 'cpu'."),
        (("default", "cpu"), "There is no host called 'cpu'."),
        (("move", "gpu", "sideways"), "Say where to: up, down, or its new place"),
        (("move", "gpu", "0"), "Say where to"),
        (("add", "https://x.example", "--ca-file", "nowhere.pem"), "--ca-file: there is no file"),
        (("edit", "gpu", "--password-env", "HOME"), "A password belongs to a user name: give --user, too."),
        (("edit", "gpu", "--user", "ada"), "Say where the password is: --password-env VAR"),
        (("edit", "gpu", "--bearer-env", "HOME", "--user", "ada", "--password-env", "HOME"), "Give one log-in"),
        (("edit", "gpu", "--bearer-env", "HOME", "--bearer-file", "x"), "Say one place of the secret"),
        (("edit", "gpu", "--bearer"), "There is no terminal to type the secret on. Use --bearer-env VAR"),
        (("edit", "gpu", "--header", "X-Key", "--header-env", "HOME", "--header-env", "PATH"), "for each --header one"),
        (("check", "no such"), "No host of the list is called so; there are: This computer, gpu."),
    ],
)
def test_mistakes_are_answered_with_a_sentence_and_change_nothing(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    add(cli, "gpu.example", "--name", "gpu")
    before = saved(cli)
    ended = cli.run("hosts", *arguments)
    assert said in ended.error
    assert ended.out == ""
    assert saved(cli) == before


def test_a_name_is_one_however_many_spaces_are_typed(cli: Cli) -> None:
    add(cli, "gpu.example", "--name", "  big   box ")
    assert names(cli) == ["This computer*", "big box"]
    assert "Another host is called big box." in cli.run("hosts", "add", "x.example", "--name", "Big  Box").error
    assert cli.run("hosts", "default", " BIG  box").code == 0
    assert names(cli) == ["This computer", "big box*"]
    assert "begins with a dash" in cli.run("hosts", "edit", "big box", "--name", "-x").error


def test_a_name_that_was_made_of_the_address_follows_it(cli: Cli) -> None:
    add(cli, "gpu.example", "--timeout", "3")
    assert cli.run("hosts", "edit", "gpu.example:11434", "--address", "gpu.example:8080").code == 0
    assert names(cli) == ["This computer*", "gpu.example:8080"]
    assert cli.run("hosts", "edit", "gpu.example:8080", "--address", "x.example", "--name", "box").code == 0
    assert names(cli) == ["This computer*", "box"]
    assert cli.run("hosts", "edit", "box", "--name", "http://x.example:11434").code == 0
    assert cli.run("hosts", "edit", "x.example", "--timeout", "4").code == 0
    assert names(cli) == ["This computer*", "http://x.example:11434"]
    assert cli.run("hosts", "edit", "x.example", "--address", "y.example").code == 0
    assert names(cli) == ["This computer*", "y.example:11434"]


def test_an_address_counts_before_a_name_that_an_older_version_took(cli: Cli) -> None:
    """A name that reads as the address of another host is not its way in."""
    there = [SavedHost("127.0.0.1:2", config_at(1)), SavedHost("lab", config_at(2))]
    change_hosts(cli.data_dir, lambda hosts: [*hosts, *there])
    assert cli.run("hosts", "edit", "127.0.0.1:2", "--name", "other").code == 0
    assert names(cli) == ["This computer*", "127.0.0.1:2", "other"]


def config_at(port: int) -> OllamaConfiguration:
    """The configuration of a host on this machine."""
    return OllamaConfiguration(host="127.0.0.1", port=port)


def test_twins_of_an_older_version_can_be_put_right(cli: Cli) -> None:
    change_hosts(cli.data_dir, lambda hosts: [*hosts, SavedHost("a", config_at(1)), SavedHost("b", config_at(1))])
    assert cli.run("hosts", "edit", "b", "--address", ":2").code == 0
    assert [host.config.port for host in saved(cli)] == [11434, 1, 2]


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "gpu.example", "--bearer", SECRET),
        ("add", "--bearer", SECRET, "gpu.example"),
        ("add", "gpu.example", f"--bearer={SECRET}"),
        ("add", "gpu.example", SECRET),
        ("add", "gpu.example", "--token", SECRET),
        ("add", "gpu.example", f"--api-key={SECRET}"),
        ("add", "gpu.example", "--user", "ada", "--password", SECRET),
        ("add", "gpu.example", "--user", f"ada:{SECRET}", "--password-env", "HOME"),
        ("add", "gpu.example", "--header", f"X-Key: {SECRET}"),
        ("add", "gpu.example", "--header", f"X-Key={SECRET}"),
        ("add", "gpu.example", "--header", "X-Key", "--header-env", SECRET),
        ("add", "gpu.example", "--bearer-env", SECRET),
        ("add", "gpu.example", "--bearer-env", SECRET.replace("-", "_")),
        ("add", "gpu.example", "--bearer-file", SECRET),
        ("add", f"https://ada:{SECRET}@gpu.example"),
        ("edit", "This computer", "--bearer", SECRET),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(cli: Cli, arguments: tuple[str, ...]) -> None:
    ended = cli.run("hosts", *arguments, env={"COLUMNS": "400"})
    assert ended.code in (1, 2)
    assert ended.out == ""
    assert ended.err
    for word in (SECRET, SECRET.replace("-", "_")):
        assert word not in ended.err
    assert not any(SECRET.encode() in file.read_bytes() for file in cli.data_dir.rglob("*") if file.is_file())


def test_it_says_why_and_what_instead(cli: Cli) -> None:
    ended = cli.run("hosts", "add", "gpu.example", "--bearer", SECRET, env={"COLUMNS": "400"})
    assert ended.code == 2
    assert "every user of this machine sees it there" in ended.err
    assert "--bearer-env VAR, --bearer-file FILE or --bearer-keyring ENTRY" in ended.err


def test_doubts_are_told(cli: Cli, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    token.chmod(0o644)
    ended = cli.run("hosts", "add", "http://gpu.example", "--bearer-file", "token")
    assert ended.code == 0
    assert f"chmod 600 {token}" in ended.err
    assert "everybody on the way can read the log-in" in ended.err
    assert SECRET not in ended.err


def test_a_list_that_cannot_be_saved_is_a_failure(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    error = cli.run("hosts", "add", "gpu.example", "--data-dir", str(tmp_path / "file")).error
    assert error.startswith("The list of hosts was not saved.")


def test_options_go_after_the_subcommand(cli: Cli) -> None:
    ended = cli.run("hosts", "--json", "add", "gpu.example")
    assert ended.code == 2
    assert "after add" in ended.err
    assert cli.run("hosts", "frobnicate").code == 2
