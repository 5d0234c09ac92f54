"""Secrets from where they are kept: the environment, files, and a real keyring; every failure says what to do."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.ollama.errors import ErrorKind
from ecs_localai.ollama.secrets import SecretUnavailable, resolve, resolve_auth, store_in_keyring, warning_about
from tests.ollama.ollama_parts import assert_one_clear_sentence

SECRET = "Ж☂grün"
VARIABLE = "ECS_LOCALAI_TEST_SECRET"


@pytest.fixture
def variable() -> Iterator[str]:
    """An environment variable that is not set, and is not set afterwards."""
    os.environ.pop(VARIABLE, None)
    yield VARIABLE
    os.environ.pop(VARIABLE, None)


def _environment(name: str) -> SecretSource:
    return SecretSource(SecretPlace.ENVIRONMENT, name)


def _file(path: Path) -> SecretSource:
    return SecretSource(SecretPlace.FILE, str(path))


def _failure(source: SecretSource) -> SecretUnavailable:
    with pytest.raises(SecretUnavailable) as caught:
        resolve(source)
    error = caught.value
    assert_one_clear_sentence(error)
    assert error.kind is ErrorKind.UNAUTHORIZED
    assert not error.retryable
    assert error.source == source
    assert SECRET not in f"{error} {error.detail} {error!r}"
    return error


def test_the_environment(variable: str) -> None:
    source = _environment(variable)
    assert "is not set" in _failure(source).message
    os.environ[variable] = ""
    assert "is empty" in _failure(source).message
    os.environ[variable] = SECRET + "\n"
    assert resolve(source) == SECRET
    assert resolve_auth(OllamaAuth.bearer(source=source)) == {"Authorization": f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "content", [SECRET, SECRET + "\n", SECRET + "\r\nsecond line", "\ufeff" + SECRET + "\n# a remark\n"]
)
def test_the_first_line_of_a_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content.encode())
    assert resolve(_file(path)) == SECRET


def test_spaces_belong_to_the_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  two words \n")
    assert resolve(_file(tmp_path / "token")) == "  two words "


def test_a_file_in_the_home_folder(tmp_path: Path) -> None:
    path = Path.home() / "ecs-localai-test-token"
    path.write_text(SECRET)
    try:
        assert resolve(SecretSource(SecretPlace.FILE, "~/ecs-localai-test-token")) == SECRET
    finally:
        path.unlink()


def test_files_that_hold_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "blank").write_text("\n" + SECRET)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00" + SECRET.encode())
    (tmp_path / "long").write_text("x" * 100_000)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, words in (
        ("missing", "does not exist"),
        ("empty", "is empty"),
        ("blank", "is empty"),
        ("binary", "UTF-8"),
        ("long", "too long"),
        ("folder", "is not a file"),
        ("pipe", "is not a file"),
        ("nul\0", "can't be read"),
    ):
        error = _failure(_file(tmp_path / name))
        assert words in error.message
        assert name in error.message


@pytest.mark.skipif(os.geteuid() == 0, reason="everything is readable to root")
def test_a_file_that_we_must_not_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(SECRET)
    path.chmod(0)
    assert "right to read" in _failure(_file(path)).message


def test_a_file_that_others_may_read_works_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "token"
    path.write_text(SECRET)
    path.chmod(0o600)
    assert warning_about(_file(path)) is None
    path.chmod(0o644)
    warning = warning_about(_file(path))
    assert warning is not None
    assert f"chmod 600 {path}" in warning
    with caplog.at_level(logging.WARNING):
        assert resolve(_file(path)) == resolve(_file(path)) == SECRET
    assert [record.getMessage() for record in caplog.records] == [warning]
    assert warning_about(_file(tmp_path / "missing")) is None
    assert warning_about(_environment("PATH")) is None


def test_a_secret_that_cannot_be_sent_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(SECRET.encode() + b"\0tail")
    for auth in (
        OllamaAuth.bearer(source=_file(path)),
        OllamaAuth.basic("ada", source=_file(path)),
        OllamaAuth.headers({"X-Api-Key": _file(path)}),
    ):
        with pytest.raises(SecretUnavailable) as caught:
            resolve_auth(auth)
        assert_one_clear_sentence(caught.value)
        assert str(path) in caught.value.message
        assert SECRET not in f"{caught.value} {caught.value.detail}"


def test_headers_from_several_places(tmp_path: Path, variable: str) -> None:
    (tmp_path / "key").write_text("from the file")
    os.environ[variable] = "from the environment"
    auth = OllamaAuth.headers({"X-A": _file(tmp_path / "key"), "X-B": _environment(variable), "X-C": "as it is"})
    assert resolve_auth(auth) == {"X-A": "from the file", "X-B": "from the environment", "X-C": "as it is"}


def test_credentials_that_were_saved_without_their_secret() -> None:
    with pytest.raises(SecretUnavailable) as caught:
        resolve_auth(OllamaAuth.bearer(SECRET).without_secrets())
    assert_one_clear_sentence(caught.value)


def test_an_empty_secret_is_not_stored() -> None:
    with pytest.raises(SecretUnavailable) as caught:
        store_in_keyring("host", "")
    assert_one_clear_sentence(caught.value)


_IN_A_KEYRING = """
import json, sys
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.ollama.secrets import SecretUnavailable, forget_in_keyring, resolve, store_in_keyring
assert "keyring" not in sys.modules
secret, source, told = sys.stdin.read(), SecretSource(SecretPlace.KEYRING, "gateway"), []
def attempt(action):
    try:
        told.append(action())
    except SecretUnavailable as error:
        told.append("refused: " + error.message)
attempt(lambda: resolve(source))
attempt(lambda: store_in_keyring("gateway", secret))
attempt(lambda: resolve(source) == secret)
attempt(lambda: store_in_keyring("gateway", secret + secret))
attempt(lambda: resolve(source) == secret + secret)
attempt(lambda: forget_in_keyring("gateway"))
attempt(lambda: forget_in_keyring("gateway"))
attempt(lambda: resolve(source))
print(json.dumps(told))
"""


def _in_a_keyring(backend: str, folder: Path) -> tuple[list[object], str]:
    """What each step told with this backend of the keyring package, and everything that was printed."""
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": backend, "XDG_DATA_HOME": str(folder)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", _IN_A_KEYRING],
        input=SECRET,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told: list[object] = json.loads(ran.stdout)
    for step in told:
        if isinstance(step, str):
            assert step.endswith("."), step
    return told, ran.stdout + ran.stderr


def test_a_real_keyring_keeps_and_forgets(tmp_path: Path) -> None:
    told, printed = _in_a_keyring("keyrings.alt.file.PlaintextKeyring", tmp_path)
    nothing = "refused: The keyring has no entry 'gateway' of ecs-localai; enter the secret again."
    assert told == [nothing, None, True, None, True, True, False, nothing]
    assert SECRET not in printed
    assert "ecs" in "".join(path.read_text() for path in tmp_path.rglob("*.cfg"))


@pytest.mark.parametrize(
    ("backend", "warns"),
    [
        ("keyrings.alt.file.PlaintextKeyring", True),
        ("keyring.backends.null.Keyring", False),
        ("keyring.backends.fail.Keyring", False),
        ("keyring.backends.chainer.ChainerBackend", None),
    ],
)
def test_a_keyring_that_encrypts_nothing_is_warned_of(backend: str, warns: bool | None, tmp_path: Path) -> None:
    code = (
        "import keyring; from ecs_localai.ollama.secrets import *; from keyring.backends import chainer;"
        "back = keyring.get_keyring(); kept = getattr(back, 'backends', [back]);"
        "print(type(next(iter(kept), back)).__name__); print(warning_about_keyring())"
    )
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": backend, "XDG_DATA_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    kept_by, warning = ran.stdout.splitlines()
    if warns is None:  # of several, the first one keeps the secrets: which one that is depends on the machine
        warns = kept_by == "PlaintextKeyring"
    assert (warning != "None") is warns
    if warns:
        assert f"{tmp_path}" in warning
        assert "unencrypted" in warning


def test_a_machine_without_a_keyring(tmp_path: Path) -> None:
    told, printed = _in_a_keyring("keyring.backends.fail.Keyring", tmp_path)
    assert len(told) == 8
    for step in told:
        assert isinstance(step, str)
        assert step.startswith("refused: This machine has no keyring")
        assert "file" in step
        assert "environment variable" in step
    assert SECRET not in printed


def test_a_keyring_that_is_switched_off_does_not_swallow_secrets(tmp_path: Path) -> None:
    told, printed = _in_a_keyring("keyring.backends.null.Keyring", tmp_path)
    assert isinstance(told[1], str)
    assert "did not keep" in told[1]
    assert SECRET not in printed
