"""The form to add or change a host: what comes out of it, what it refuses, and that a secret stays one."""

from __future__ import annotations

import msgspec
import pygame
import pytest

from ecs_localai.components.authentication import AuthKind, OllamaAuth
from ecs_localai.components.hosts import HostProtocol
from ecs_localai.components.panel_intents import AddHostRequested, EditHostRequested
from ecs_localai.components.panel_view import PanelView
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from tests.panel.host_samples import few_hosts_view, many_hosts_view, single_view
from tests.panel.panel_driver import Driver

CTRL, SHIFT = pygame.KMOD_CTRL, pygame.KMOD_SHIFT
SECRET = "hunter2 never-shown"


def opened(view: PanelView | None = None, host: str = "") -> Driver:
    """A panel with the form open, for a new host or for one that is there."""
    driver = Driver(view or few_hosts_view(), (900, 1000), reduced_motion=True)
    if host:
        driver.activate(f"host-more:{host}")
    driver.activate(f"edit:{host}" if host else "add-host")
    return driver


def added(driver: Driver) -> AddHostRequested:
    """The one intent that came out, a new host."""
    (intent,) = driver.take_intents()
    assert isinstance(intent, AddHostRequested)
    return intent


def edited(driver: Driver) -> EditHostRequested:
    """The one intent that came out, a changed host."""
    (intent,) = driver.take_intents()
    assert isinstance(intent, EditHostRequested)
    return intent


def auth_of(intent: AddHostRequested | EditHostRequested) -> OllamaAuth:
    """The log-in that was asked for."""
    assert intent.config is not None
    assert intent.config.authentication is not None
    return intent.config.authentication


# ---- adding


def test_the_form_opens_on_the_address_and_enter_hands_it_over() -> None:
    driver = opened()
    assert driver.focused() == "form:address"
    driver.type("gpu-box")
    driver.key(pygame.K_RETURN)
    intent = added(driver)
    assert (intent.address, intent.name, intent.secret) == ("gpu-box", "", None)
    assert intent.protocol is HostProtocol.OLLAMA


def test_tab_goes_through_the_form_line_by_line() -> None:
    driver = opened()
    driver.activate("form:login:Basic")
    driver.activate("form:more")
    ids = [node.id for node in driver.panel.scene().walk() if node.focusable and node.id.startswith("form:")]
    driver.tab_to("form:address")
    visited = ["form:address"]
    while len(visited) < len(ids):
        driver.key(pygame.K_TAB)
        visited.append(driver.focused() or "")
    assert visited == [
        "form:address", "form:name", "form:login:none", "form:login:Bearer", "form:login:Basic", "form:login:Headers",
        "form:place:keyring", "form:place:environment", "form:place:file", "form:user", "form:secret", "form:more",
        "form:ca", "form:server-name", "form:certificate", "form:key", "form:cancel", "form:submit",
    ]  # fmt: skip


def test_arrow_keys_choose_the_next_of_several() -> None:
    driver = opened()
    driver.tab_to("form:login:none")
    driver.key(pygame.K_RIGHT)
    assert driver.focused() == "form:login:Bearer"
    assert driver.node("form:login:Bearer").value == "chosen"
    assert driver.node("form:login:none").value == ""
    driver.key(pygame.K_LEFT)
    driver.key(pygame.K_LEFT)
    assert driver.focused() == "form:login:none"
    assert not driver.has("form:secret")


def test_a_token_goes_into_the_keyring_under_a_name_of_its_own() -> None:
    driver = opened()
    driver.fill("form:address", "https://gpu.example.com/ollama")
    driver.fill("form:name", "team 2")
    driver.activate("form:login:Bearer")
    driver.fill("form:secret", SECRET)
    driver.activate("form:submit")
    intent = added(driver)
    auth = auth_of(intent)
    assert auth.kind is AuthKind.BEARER
    assert auth.source is not None
    assert auth.source.place is SecretPlace.KEYRING
    assert auth.source.name.startswith("https://gpu.example.com/ollama ")
    assert intent.secret is not None
    assert (intent.secret.entry, intent.secret.value) == (auth.source.name, SECRET)
    assert intent.name == "team 2"
    assert SECRET not in repr(intent)


def test_a_password_may_come_from_a_variable_and_a_header_from_a_file() -> None:
    driver = opened()
    driver.fill("form:address", "gpu-box")
    driver.activate("form:login:Basic")
    driver.activate("form:place:environment")
    driver.fill("form:user", "anna")
    driver.fill("form:variable", "OLLAMA_PASSWORD")
    driver.key(pygame.K_RETURN)
    intent = added(driver)
    assert auth_of(intent).username == "anna"
    assert auth_of(intent).source == SecretSource(SecretPlace.ENVIRONMENT, "OLLAMA_PASSWORD")
    assert intent.secret is None
    driver = opened()
    driver.fill("form:address", "gpu-box")
    driver.activate("form:login:Headers")
    driver.activate("form:place:file")
    driver.fill("form:header", "X-Api-Key")
    driver.fill("form:file", "/run/secrets/key")
    driver.key(pygame.K_RETURN)
    sources = auth_of(added(driver)).header_sources
    assert sources == {"X-Api-Key": SecretSource(SecretPlace.FILE, "/run/secrets/key")}


def test_certificates_are_for_https() -> None:
    driver = opened()
    driver.fill("form:address", "gpu-box")
    driver.activate("form:more")
    driver.fill("form:ca", "/etc/own-ca.pem")
    driver.key(pygame.K_RETURN)
    assert driver.take_intents() == []
    assert any("begin the address with https://" in text for text in driver.texts())
    driver.fill("form:address", "https://gpu-box")
    driver.fill("form:certificate", "/etc/me.pem")
    driver.fill("form:key", "/etc/me.key")
    driver.fill("form:server-name", "gpu.example.com")
    driver.key(pygame.K_RETURN)
    config = added(driver).config
    assert config is not None
    assert config.tls == TlsSettings("/etc/own-ca.pem", "/etc/me.pem", "/etc/me.key", None, "gpu.example.com")


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({}, "form:address", "Type an address"),
        ({"form:address": "http//x"}, "form:address", "'://'"),
        ({"form:address": "192.168.1.31"}, "form:address", "already, as laptop"),
        ({"form:address": "localhost"}, "form:address", "is the same as http://127.0.0.1:11434"),
        ({"form:address": "x", "form:name": "Laptop"}, "form:name", "Choose another name"),
        ({"form:address": "x", "form:name": "192.168.1.31"}, "form:name", "is the address of laptop"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(typed: dict[str, str], field: str, words: str) -> None:
    driver = opened()
    for field_id, text in typed.items():
        driver.fill(field_id, text)
    driver.activate("form:submit")
    assert driver.take_intents() == []
    assert driver.focused() == field
    line = driver.node("form:line:form:address")
    alerts = [node for node in line.children if words in node.name]
    assert len(alerts) == 1
    assert alerts[0].rect.top >= driver.node(field).rect.bottom
    driver.type("2")
    assert not any(words in text for text in driver.texts())


@pytest.mark.parametrize(
    ("login", "place", "words"),
    [
        ("Bearer", "keyring", "Type the token"),
        ("Basic", "environment", "name of the variable that holds the password"),
        ("Headers", "file", "path of the file that holds the value"),
    ],
)
def test_a_log_in_without_its_secret_is_refused(login: str, place: str, words: str) -> None:
    driver = opened()
    driver.fill("form:address", "gpu-box")
    driver.activate(f"form:login:{login}")
    driver.activate(f"form:place:{place}")
    driver.activate("form:submit")
    assert driver.take_intents() == []
    assert any(words in text for text in driver.texts())


def test_names_that_no_request_can_carry_are_refused() -> None:
    driver = opened()
    driver.fill("form:address", "gpu-box")
    driver.activate("form:login:Basic")
    driver.fill("form:secret", "x")
    driver.activate("form:submit")
    assert "Type the name of the user." in driver.texts()
    driver.fill("form:user", "an:na")
    driver.activate("form:submit")
    assert any("colon" in text for text in driver.texts())
    driver.activate("form:login:Headers")
    driver.fill("form:header", "not a name")
    driver.activate("form:submit")
    assert any("header's name" in text for text in driver.texts())
    assert driver.take_intents() == []


# ---- the answer


def test_the_form_waits_for_the_answer_and_closes_with_it() -> None:
    driver = opened()
    driver.type("gpu-box")
    driver.activate("form:submit")
    driver.key(pygame.K_RETURN)  # once is enough
    assert len(driver.take_intents()) == 1
    assert driver.focused() == "form:submit"
    driver.changed()
    assert driver.has("form:title")
    driver.view.host_answers += 1
    driver.changed()
    assert not driver.has("form:title")
    assert not any(node.id.startswith("form:") for node in driver.panel.scene().walk())
    assert driver.focused() == "add-host"


def test_a_refusal_stays_in_the_form_with_what_was_typed() -> None:
    driver = opened()
    driver.type("gpu-box")
    driver.activate("form:submit")
    driver.view.host_answers += 1
    driver.view.host_error = "http://gpu-box:11434 is in the list already, as team."
    driver.changed()
    assert driver.view.host_error in driver.texts()
    assert driver.node("form:address").value == "gpu-box"
    assert driver.focused() == "form:submit"
    driver.key(pygame.K_RETURN)
    assert len(driver.take_intents()) == 2
    driver.fill("form:address", "gpu-box-2")
    assert driver.view.host_error not in driver.texts()


@pytest.mark.parametrize("how", ["escape", "cancel"])
def test_leaving_the_form_forgets_it_and_gives_the_focus_back(how: str) -> None:
    driver = opened()
    driver.type("gpu-box")
    if how == "escape":
        driver.key(pygame.K_ESCAPE)
    else:
        driver.activate("form:cancel")
    assert not driver.has("form:title")
    assert driver.focused() == "add-host"
    assert driver.take_intents() == []
    driver.key(pygame.K_SPACE)
    assert driver.node("form:address").value == ""


# ---- changing


def test_changing_begins_with_what_is_known_but_not_the_secret() -> None:
    driver = opened(host="team")
    values = {name: driver.node(f"form:{name}").value for name in ("address", "name", "user", "secret", "ca")}
    assert values == {
        "address": "https://ollama.example.com/ollama", "name": "team", "user": "anna", "secret": "",
        "ca": "/etc/ssl/own-ca.pem",
    }  # fmt: skip
    assert driver.node("form:login:Basic").value == "chosen"
    driver.activate("form:submit")
    intent = edited(driver)
    assert intent.host == "team"
    assert intent.config == driver.view.hosts[2].config
    assert intent.secret is None


def test_a_name_made_from_the_address_follows_it() -> None:
    view = few_hosts_view()
    view.hosts[1].name = "192.168.1.31:11434"
    driver = opened(view, "192.168.1.31:11434")
    driver.fill("form:address", "192.168.1.32")
    driver.key(pygame.K_RETURN)
    assert edited(driver).name == "192.168.1.32:11434"
    driver = opened(host="laptop")
    driver.fill("form:address", "192.168.1.32")
    driver.key(pygame.K_RETURN)
    assert edited(driver).name == "laptop"


def test_another_password_goes_into_the_same_entry() -> None:
    driver = opened(host="team")
    driver.fill("form:secret", SECRET)
    driver.key(pygame.K_RETURN)
    intent = edited(driver)
    assert intent.secret is not None
    assert intent.secret.entry == "ollama.example.com 1f"
    assert auth_of(intent).source == SecretSource(SecretPlace.KEYRING, "ollama.example.com 1f")


def test_another_user_keeps_the_secrets_place() -> None:
    driver = opened(host="team")
    driver.fill("form:user", "berta")
    driver.key(pygame.K_RETURN)
    auth = auth_of(edited(driver))
    assert auth.username == "berta"
    assert auth.source == SecretSource(SecretPlace.KEYRING, "ollama.example.com 1f")


def test_a_log_in_can_be_taken_away() -> None:
    driver = opened(host="team")
    driver.activate("form:login:none")
    driver.activate("form:submit")
    config = edited(driver).config
    assert config is not None
    assert config.authentication is None


def test_a_programs_own_headers_are_kept_as_they_are() -> None:
    view = single_view()
    auth = OllamaAuth.headers({"X-One": "1", "X-Two": "2"})
    view.hosts[0].config = msgspec.structs.replace(view.hosts[0].config, authentication=auth)
    driver = Driver(view)
    driver.activate("edit:This computer")
    driver.fill("form:name", "mine")
    driver.key(pygame.K_RETURN)
    intent = edited(driver)
    assert auth_of(intent) is auth
    assert intent.name == "mine"


def test_the_form_stays_when_its_host_goes_out_of_sight() -> None:
    view = many_hosts_view()
    driver = Driver(view, reduced_motion=True)
    driver.activate("host-more:node-34")
    driver.activate("edit:node-34")
    row = view.hosts[33]
    row.status_text, row.tone, row.reason = "Connected", view.hosts[0].tone, ""
    driver.changed()
    assert driver.node("form:name").value == "node-34"
    del view.hosts[33]
    driver.changed()
    assert driver.node("form:name").value == "node-34"


def test_other_protocols_are_offered_with_their_feature_only() -> None:
    view = few_hosts_view()
    driver = opened(view)
    assert not driver.has("form:protocol:openai")
    next(row for row in view.features[0].toggles if row.feature_id == "custom_providers").on = True
    driver.changed()
    driver.activate("form:protocol:openai")
    driver.fill("form:address", "127.0.0.1:8080")
    driver.key(pygame.K_RETURN)
    assert added(driver).protocol is HostProtocol.OPENAI
