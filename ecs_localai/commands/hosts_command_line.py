"""``ecs-localai hosts …`` and ``serve``: the subcommands about hosts themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ecs_localai.commands.common_options import DataDirOption, HostOption, JsonOption, end, target_of
from ecs_localai.commands.secret_keeping import SecretKeepingCommand, refuse_extra

if TYPE_CHECKING:
    from ecs_localai.commands.host_settings import SecretOptions

hosts_app = typer.Typer(
    help="The list of hosts: show it, change it, find hosts.", context_settings={"help_option_names": ["--help", "-h"]}
)
serve_app = typer.Typer()

_KEEPING = {"allow_extra_args": True}
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of a host of the list, or its address.")]
NewNameOption = Annotated[str, typer.Option("--name", metavar="NAME", help="What it is called.", show_default=False)]
DefaultOption = Annotated[bool, typer.Option("--default", help="Use it where no host is named.")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", min=0.1, max=600.0, help="For connecting; 5 by default.", show_default=False),
]


def _text(name: str, metavar: str, about: str) -> object:
    return typer.Option(name, metavar=metavar, help=about, show_default=False)


BearerOption = Annotated[bool, typer.Option("--bearer", help="Ask for a bearer token; it goes into the keyring.")]
BearerEnv = Annotated[str | None, _text("--bearer-env", "VAR", "The variable that holds the token.")]
BearerFile = Annotated[str | None, _text("--bearer-file", "FILE", "The file whose first line is the token.")]
BearerKeyring = Annotated[str | None, _text("--bearer-keyring", "ENTRY", "The keyring's entry that holds it.")]
UserOption = Annotated[str | None, _text("--user", "USER", "The user name for a password.")]
PasswordOption = Annotated[bool, typer.Option("--password", help="Ask for the password; it goes into the keyring.")]
PasswordEnv = Annotated[str | None, _text("--password-env", "VAR", "The variable that holds the password.")]
PasswordFile = Annotated[str | None, _text("--password-file", "FILE", "The file whose first line it is.")]
PasswordKeyring = Annotated[str | None, _text("--password-keyring", "ENTRY", "The keyring's entry that holds it.")]
HeaderOption = Annotated[
    list[str] | None, _text("--header", "NAME", "A header of your own; its value is asked for unless it has a place.")
]
HeaderEnv = Annotated[list[str] | None, _text("--header-env", "VAR", "The variable that holds its value.")]
HeaderFile = Annotated[list[str] | None, _text("--header-file", "FILE", "The file whose first line it is.")]
HeaderKeyring = Annotated[list[str] | None, _text("--header-keyring", "ENTRY", "The keyring's entry that holds it.")]
CaFile = Annotated[str | None, _text("--ca-file", "FILE", "Certificates to trust beside the system's (PEM).")]
ClientCert = Annotated[str | None, _text("--client-cert", "FILE", "The certificate that says who we are (PEM).")]
ClientKey = Annotated[str | None, _text("--client-key", "FILE", "Its key, if it is in a file of its own (PEM).")]
KeyPassword = Annotated[bool, typer.Option("--key-password", help="Ask for the key's password.")]
KeyPasswordEnv = Annotated[str | None, _text("--key-password-env", "VAR", "The variable that holds it.")]
KeyPasswordFile = Annotated[str | None, _text("--key-password-file", "FILE", "The file whose first line it is.")]
KeyPasswordKeyring = Annotated[str | None, _text("--key-password-keyring", "ENTRY", "The keyring's entry.")]
ServerName = Annotated[str | None, _text("--server-name", "NAME", "The name that its certificate carries.")]


@hosts_app.callback(invoke_without_command=True)
def hosts(
    context: typer.Context, as_json: JsonOption = False, host: HostOption = None, data_dir: DataDirOption = None
) -> None:
    """Show all hosts side by side, or change the list."""
    if context.invoked_subcommand is not None:
        if as_json or host is not None or data_dir is not None:
            raise typer.BadParameter(f"Give options after {context.invoked_subcommand}.")
        return
    from ecs_localai.commands.list_hosts import list_hosts

    target = target_of(context, host, data_dir)
    end(lambda: list_hosts(target, as_json))


@hosts_app.command(cls=SecretKeepingCommand, context_settings=_KEEPING)
def add(
    context: typer.Context,
    address: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="gpu.local, 10.0.0.7:11434, https://example.com/ai")
    ],
    name: NewNameOption = "",
    bearer: BearerOption = False,
    bearer_env: BearerEnv = None,
    bearer_file: BearerFile = None,
    bearer_keyring: BearerKeyring = None,
    user: UserOption = None,
    password: PasswordOption = False,
    password_env: PasswordEnv = None,
    password_file: PasswordFile = None,
    password_keyring: PasswordKeyring = None,
    header: HeaderOption = None,
    header_env: HeaderEnv = None,
    header_file: HeaderFile = None,
    header_keyring: HeaderKeyring = None,
    ca_file: CaFile = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    key_password: KeyPassword = False,
    key_password_env: KeyPasswordEnv = None,
    key_password_file: KeyPasswordFile = None,
    key_password_keyring: KeyPasswordKeyring = None,
    server_name: ServerName = None,
    timeout: TimeoutOption = None,
    default: DefaultOption = False,
    openai: Annotated[bool, typer.Option("--openai", help="It speaks OpenAI's protocol. Experimental.")] = False,
    data_dir: DataDirOption = None,
) -> None:
    """Add a host. Secrets are asked for, or stay where they are: in a variable, a file or the keyring."""
    from ecs_localai.commands.edit_hosts import add_host
    from ecs_localai.commands.host_settings import HostOptions, SecretOptions

    refuse_extra(context)
    options = HostOptions(
        bearer=SecretOptions(bearer_env, bearer_file, bearer_keyring, bearer),
        user=user,
        password=SecretOptions(password_env, password_file, password_keyring, password),
        headers=header or (),
        header_places=_places(header_env, header_file, header_keyring),
        ca_file=ca_file,
        client_certificate=client_cert,
        client_key=client_key,
        key_password=SecretOptions(key_password_env, key_password_file, key_password_keyring, key_password),
        server_name=server_name,
        timeout=timeout,
    )
    target = target_of(context, None, data_dir)
    end(lambda: add_host(target, address, name, options, make_default=default, openai=openai))


@hosts_app.command(cls=SecretKeepingCommand, context_settings=_KEEPING)
def edit(
    context: typer.Context,
    named: NameArgument,
    name: NewNameOption = "",
    address: Annotated[str | None, _text("--address", "ADDRESS", "Where it is now.")] = None,
    bearer: BearerOption = False,
    bearer_env: BearerEnv = None,
    bearer_file: BearerFile = None,
    bearer_keyring: BearerKeyring = None,
    user: UserOption = None,
    password: PasswordOption = False,
    password_env: PasswordEnv = None,
    password_file: PasswordFile = None,
    password_keyring: PasswordKeyring = None,
    header: HeaderOption = None,
    header_env: HeaderEnv = None,
    header_file: HeaderFile = None,
    header_keyring: HeaderKeyring = None,
    no_login: Annotated[bool, typer.Option("--no-login", help="Take its log-in away.")] = False,
    ca_file: CaFile = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    key_password: KeyPassword = False,
    key_password_env: KeyPasswordEnv = None,
    key_password_file: KeyPasswordFile = None,
    key_password_keyring: KeyPasswordKeyring = None,
    server_name: ServerName = None,
    timeout: TimeoutOption = None,
    default: DefaultOption = False,
    openai: Annotated[
        bool | None, typer.Option("--openai/--ollama", help="What it speaks.", show_default=False)
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Change a host; what is not given stays. An empty text takes away a file or a server name."""
    from ecs_localai.commands.edit_hosts import edit_host
    from ecs_localai.commands.host_settings import HostOptions, SecretOptions

    refuse_extra(context)
    options = HostOptions(
        bearer=SecretOptions(bearer_env, bearer_file, bearer_keyring, bearer),
        user=user,
        password=SecretOptions(password_env, password_file, password_keyring, password),
        headers=header or (),
        header_places=_places(header_env, header_file, header_keyring),
        no_login=no_login,
        ca_file=ca_file,
        client_certificate=client_cert,
        client_key=client_key,
        key_password=SecretOptions(key_password_env, key_password_file, key_password_keyring, key_password),
        server_name=server_name,
        timeout=timeout,
    )
    target = target_of(context, None, data_dir)
    end(lambda: edit_host(target, named, name, address, options, make_default=default, openai=openai))


@hosts_app.command()
def remove(context: typer.Context, named: NameArgument, data_dir: DataDirOption = None) -> None:
    """Take a host off the list. Its models stay where they are."""
    from ecs_localai.commands.edit_hosts import remove_host

    target = target_of(context, None, data_dir)
    end(lambda: remove_host(target, named))


@hosts_app.command()
def default(context: typer.Context, named: NameArgument, data_dir: DataDirOption = None) -> None:
    """Use a host where none is named."""
    from ecs_localai.commands.edit_hosts import set_default_host

    target = target_of(context, None, data_dir)
    end(lambda: set_default_host(target, named))


@hosts_app.command()
def move(
    context: typer.Context,
    named: NameArgument,
    where: Annotated[str, typer.Argument(metavar="up|down|N", help="N is its new place, counted from 1.")],
    data_dir: DataDirOption = None,
) -> None:
    """Change the order of the list."""
    from ecs_localai.commands.edit_hosts import move_host

    target = target_of(context, None, data_dir)
    end(lambda: move_host(target, named, where))


@hosts_app.command()
def find(
    context: typer.Context,
    lan: Annotated[bool, typer.Option("--lan", help="Also in the local network (mDNS).")] = False,
    to_list: Annotated[bool, typer.Option("--add", help="Add all that are found to the list.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Look for hosts: on this machine, in its containers, in the local network."""
    from ecs_localai.commands.find_hosts import find_hosts

    target = target_of(context, None, data_dir)
    end(lambda: find_hosts(target, lan, to_list, as_json))


@hosts_app.command()
def check(
    context: typer.Context, named: NameArgument, as_json: JsonOption = False, data_dir: DataDirOption = None
) -> None:
    """Look at one host carefully: what answers, who it says it is, and what to change."""
    from ecs_localai.commands.check_host import check_host

    target = target_of(context, None, data_dir)
    end(lambda: check_host(target, named, as_json))


@serve_app.command()
def serve(
    context: typer.Context, as_json: JsonOption = False, host: HostOption = None, data_dir: DataDirOption = None
) -> None:
    """Start the Ollama of this machine; Ctrl-C stops it again."""
    from ecs_localai.commands.serve import serve as start_and_wait

    target = target_of(context, host, data_dir)
    end(lambda: start_and_wait(target, as_json))


def _places(variables: list[str] | None, files: list[str] | None, entries: list[str] | None) -> list[SecretOptions]:
    """The places of headers' values. Of several kinds their order would not be known, so they are refused together.

    Raises:
        typer.BadParameter: there are several kinds.
    """
    from ecs_localai.commands.host_settings import SecretOptions

    kinds = [
        [SecretOptions(variable=one) for one in variables or ()],
        [SecretOptions(file=one) for one in files or ()],
        [SecretOptions(entry=one) for one in entries or ()],
    ]
    given = [kind for kind in kinds if kind]
    if len(given) > 1:
        raise typer.BadParameter("Keep the values of all headers in one kind of place.")
    return given[0] if given else []
