"""Making a new model of an installed one: a form in the list of models."""

from __future__ import annotations

from itertools import combinations

import pygame
import pytest

from ecs_localai.components.model_text import ModelText
from ecs_localai.components.panel_intents import CreateModelRequested, ModelDetailsRequested
from ecs_localai.components.panel_view import InstallationRow, NoticeView, PanelView, Tone
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.panel.scene import Role
from ecs_localai.systems.view_model_texts import LABELS, model_text_view
from tests.panel.panel_driver import Driver
from tests.panel.test_panel_scene import LOOKS, SIZES, leaves
from tests.panel.word_samples import TEMPLATE, TEXT, words_view

LLAMA, QWEN = "llama3.2:1b", "qwen3:8b"
NAME, SYSTEM, SETTINGS, TEMPLATE_FIELD = (
    "model-form:name", "model-form:system", "model-form:settings", "model-form:template",
)  # fmt: skip


def opened(view: PanelView | None = None, model: str = LLAMA, size: tuple[int, int] = (900, 1700)) -> Driver:
    """A panel with the form open, by the keyboard."""
    driver = Driver(view or words_view(), size, reduced_motion=True)
    driver.activate(f"model-more:{model}")
    driver.activate(f"edit-model:{model}")
    driver.take_intents()
    return driver


def alerts(driver: Driver) -> list[str]:
    """What is said to be wrong."""
    return [node.name for node in driver.panel.scene().with_role(Role.ALERT)]


def submit(driver: Driver) -> list[object]:
    """Hand the form over; returns what comes of it."""
    driver.activate("model-form:submit")
    return driver.take_intents()


# ---- what is known of the model


def test_unfolding_a_row_asks_once_for_what_the_model_says_and_its_lines_are_there_from_the_beginning() -> None:
    view = words_view()
    driver = Driver(view, (900, 1700), reduced_motion=True)
    driver.activate(f"model-more:{QWEN}")
    assert driver.take_intents() == [ModelDetailsRequested(QWEN, "digest-1")]
    row = driver.node(f"model:{QWEN}")
    assert [node.name for node in row.children].count("…") == len(LABELS)
    driver.changed()
    assert driver.take_intents() == []
    view.model_texts = {**view.model_texts, "digest-1": model_text_view(ModelText(license="MIT License\n\nCopyright"))}
    driver.changed()
    texts = [node.name for node in driver.node(f"model:{QWEN}").children]
    assert "MIT License" in texts
    assert "Those of Ollama" in texts
    assert driver.node(f"model:{QWEN}").rect == row.rect


def test_what_could_not_be_read_is_said_and_asked_for_again_when_the_row_is_unfolded_again() -> None:
    view = words_view()
    view.model_texts["digest-1"] = model_text_view(ModelText(error="The host did not answer; try again."))
    driver = Driver(view, (900, 1700), reduced_motion=True)
    for _ in range(2):
        driver.activate(f"model-more:{QWEN}")
        assert driver.take_intents() == [ModelDetailsRequested(QWEN, "digest-1")]
        assert "Not known: The host did not answer; try again." in driver.texts()
        driver.activate(f"model-more:{QWEN}")


def test_what_is_known_is_not_asked_for() -> None:
    driver = Driver(words_view(), (900, 1700), reduced_motion=True)
    driver.activate(f"model-more:{LLAMA}")
    assert driver.take_intents() == []
    assert "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT" in driver.texts()


# ---- the form


def test_the_form_begins_with_what_the_model_has_and_a_free_name() -> None:
    view = words_view()
    view.models[1].name = "my-llama3.2:1b"
    driver = opened(view)
    assert driver.focused() == NAME
    assert driver.node(NAME).value == "my-llama3.2-2:1b"
    assert driver.node(SYSTEM).value == TEXT.system
    assert driver.node(SETTINGS).value == (
        "temperature 0.6\nnum_ctx 4096\nstop <|start_header_id|>\nstop <|eot_id|>"
    )  # fmt: skip
    assert not driver.has(TEMPLATE_FIELD)
    driver.activate("model-form:more")
    assert driver.node(TEMPLATE_FIELD).value == TEMPLATE


def test_only_what_was_changed_is_asked_for() -> None:
    driver = opened()
    driver.fill(NAME, "careful")
    driver.fill(SETTINGS, "temperature 0.1\nnum_ctx 4096\nstop <|start_header_id|>\nstop <|eot_id|>")
    assert submit(driver) == [
        CreateModelRequested("careful:latest", ModelRecipe(source=LLAMA, parameters={"temperature": 0.1}))
    ]
    assert driver.node("model-form:submit").name == "Create this new model"
    assert submit(driver) == []  # it is at work


def test_everything_can_be_changed_and_text_has_several_lines() -> None:
    driver = opened()
    driver.tab_to(SYSTEM)
    driver.key(pygame.K_a, pygame.KMOD_CTRL)
    driver.type("Be kind.")
    driver.key(pygame.K_RETURN)
    driver.type("Be brief.")
    driver.activate("model-form:more")
    driver.fill(TEMPLATE_FIELD, "{{ .Prompt }}")
    driver.fill(SETTINGS, "temperature 0.6\nnum_ctx 8192")
    (request,) = submit(driver)
    assert request == CreateModelRequested(
        "my-llama3.2:1b",
        ModelRecipe(
            source=LLAMA,
            system="Be kind.\nBe brief.",
            template="{{ .Prompt }}",
            parameters={"num_ctx": 8192, "stop": []},
        ),
    )


def test_ctrl_and_enter_hands_the_form_over_from_a_field_of_several_lines() -> None:
    driver = opened()
    driver.fill(SYSTEM, "Be kind.")
    driver.key(pygame.K_RETURN, pygame.KMOD_CTRL)
    assert [type(intent) for intent in driver.take_intents()] == [CreateModelRequested]


@pytest.mark.parametrize(
    ("field_id", "text", "part"),
    [
        (NAME, "two words", "space"),
        (NAME, "qwen3:8b", "There is a model qwen3:8b already"),
        (NAME, LLAMA, "its name already"),
        (SYSTEM, "", "keeps its system prompt"),
        (SETTINGS, "temprature 3", "did you mean temperature?"),
        (SETTINGS, "num_ctx 4096\nstop <|eot_id|>", "keeps temperature"),
        (SETTINGS, "num_ctx much", "a whole number"),
        (TEMPLATE_FIELD, "", "keeps its template"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_typed_is_lost(field_id: str, text: str, part: str) -> None:
    driver = opened()
    driver.activate("model-form:more")
    if field_id is not SYSTEM:
        driver.fill(SYSTEM, "Be kind.")
    driver.fill(field_id, text)
    assert submit(driver) == []
    assert part in " ".join(alerts(driver))
    assert driver.focused() == field_id
    assert driver.node(field_id).value == text
    driver.type("x")
    assert alerts(driver) == []


def test_without_a_change_copying_is_recommended() -> None:
    driver = opened()
    assert submit(driver) == []
    assert any("Nothing is changed yet" in text for text in alerts(driver))


@pytest.mark.parametrize("by", ["escape", "cancel"])
def test_leaving_the_form_changes_nothing_and_gives_the_focus_back(by: str) -> None:
    driver = opened()
    driver.fill(SYSTEM, "Be kind.")
    if by == "escape":
        driver.key(pygame.K_ESCAPE)
    else:
        driver.activate("model-form:cancel")
    assert not driver.has(SYSTEM)
    assert driver.focused() == f"edit-model:{LLAMA}"
    assert driver.take_intents() == []


def test_the_form_goes_once_the_model_is_there() -> None:
    driver = opened()
    driver.fill(SYSTEM, "Be kind.")
    submit(driver)
    driver.view.installations = [InstallationRow("new", "my-llama3.2:1b", "Installing", None)]
    driver.changed()
    assert driver.has(SYSTEM)
    driver.view.models = [*driver.view.models, words_view().models[0]]
    driver.view.models[-1].name = "my-llama3.2:1b"
    driver.changed()
    assert not driver.has(SYSTEM)


@pytest.mark.parametrize("by", ["installation", "notice", "cancelled"])
def test_a_failure_is_said_in_the_form_and_what_was_typed_is_there_to_be_corrected(by: str) -> None:
    view = words_view()
    view.installations = [InstallationRow("old", "my-llama3.2:1b", "An old failure.", None, Tone.DANGER, False)]
    driver = opened(view)
    driver.fill(SYSTEM, "Be kind.")
    submit(driver)
    said = "The template cannot be read: its first line has no end."
    if by == "installation":
        view.installations.append(InstallationRow("new", "my-llama3.2:1b", said, None, Tone.DANGER, False, True, True))
    elif by == "cancelled":
        said = "It was cancelled."
        row = InstallationRow("new", "my-llama3.2:1b", "Cancelled", None, Tone.NEUTRAL, False, True, True)
        view.installations.append(row)
    else:
        view.notices.append(NoticeView(view.last_notice_id + 1, said))
        view.last_notice_id += 1
    driver.changed()
    assert said in alerts(driver)
    assert driver.node(SYSTEM).value == "Be kind."
    view.installations, view.notices = [], []
    driver.changed()
    assert [type(one) for one in submit(driver)] == [CreateModelRequested]


def test_what_becomes_known_while_the_form_is_open_is_filled_in() -> None:
    driver = opened(model=QWEN)
    assert driver.node(SYSTEM).value == ""
    assert any("What it has now is not known" in text for text in driver.texts())
    driver.view.model_texts = {**driver.view.model_texts, "digest-1": model_text_view(TEXT)}
    driver.changed()
    assert driver.node(SYSTEM).value == TEXT.system
    assert driver.focused() == NAME


def test_with_several_hosts_it_is_asked_where() -> None:
    driver = Driver(words_view(hosts=True), (900, 1700), reduced_motion=True)
    driver.activate(f"model-more:{LLAMA}")
    driver.activate(f"edit-model:{LLAMA}")
    driver.activate(f"edit-model-here:{LLAMA}:team")
    assert driver.focused() == NAME
    driver.fill(SYSTEM, "Be kind.")
    driver.take_intents()
    (request,) = submit(driver)
    assert isinstance(request, CreateModelRequested)
    assert request.host == "team"


def test_a_folded_row_leaves_the_form_and_what_is_typed() -> None:
    driver = opened()
    driver.fill(SYSTEM, "Be kind.")
    driver.activate(f"model-more:{LLAMA}")
    assert driver.node(SYSTEM).value == "Be kind."
    driver.view.models = [row for row in driver.view.models if row.name != LLAMA]
    driver.changed()
    assert driver.node(SYSTEM).value == "Be kind."
    driver.view.models = []
    driver.changed()
    assert not driver.has(SYSTEM)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"scale{look[0]}-font{look[1]}")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}wide")
def test_nothing_overlaps_or_leaves_its_place(size: tuple[int, int], look: tuple[float, float]) -> None:
    driver = Driver(words_view(hosts=True), size, scale=look[0], font_scale=look[1], reduced_motion=True)
    driver.activate(f"model-more:{LLAMA}")
    driver.activate(f"edit-model:{LLAMA}")
    driver.activate(f"edit-model-here:{LLAMA}:team")
    driver.activate("model-form:more")
    driver.fill(NAME, "no name at all")
    driver.fill(SETTINGS, "temprature 3 " * 20)
    driver.activate("model-form:submit")
    root = driver.panel.scene()
    found = [
        (node, block)
        for node, block in leaves(root)
        if block.id.startswith(("model-form:", f"model:{LLAMA}", "models-updates"))
    ]
    assert len(found) > 25
    for node, block in found:
        assert block.rect.contains(node.rect), f"{node.name!r} {node.rect} leaves {block.id} {block.rect}"
        assert root.rect.left <= node.rect.left <= node.rect.right <= root.rect.right, node.name
    for (first, _), (second, _) in combinations(found, 2):
        overlap = first.rect.clip(second.rect)
        assert not overlap.width * overlap.height, f"{first.name!r} and {second.name!r} overlap"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_was_painted_bit_by_bit_is_what_is_painted_at_once(theme: str) -> None:
    driver = Driver(words_view(), (900, 1700), theme=theme, reduced_motion=True)
    driver.activate(f"model-more:{LLAMA}")
    driver.activate(f"edit-model:{LLAMA}")
    driver.fill(SYSTEM, "Be kind.\n" * 14)
    driver.key(pygame.K_UP, pygame.KMOD_SHIFT)
    driver.key(pygame.K_PAGEUP)
    driver.compose("かな")
    driver.compose("")
    driver.activate("model-form:more")
    driver.fill(NAME, "two words")
    driver.activate("model-form:submit")
    driver.run(0.3)
    painted = pygame.surfarray.array3d(driver.surface)
    assert (painted == pygame.surfarray.array3d(driver.panel.snapshot())).all()
