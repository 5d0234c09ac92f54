"""What a person sees: nothing overlaps, nothing is cut off without a sign, and everything can be reached."""

from __future__ import annotations

from itertools import combinations, pairwise

import pygame
import pytest

from ecs_localai.components.panel_view import Tone
from ecs_localai.panel.scene import Role, SceneNode
from tests.panel.host_samples import few_hosts_view, many_hosts_view, single_view
from tests.panel.install_samples import installing_hosts_view, installing_view
from tests.panel.life_samples import life_hosts_view, life_view
from tests.panel.panel_driver import Driver
from tests.panel.panel_samples import connected_view, unreachable_view

VIEWS = {
    "connected": connected_view,
    "unreachable": unreachable_view,
    "one-host": single_view,
    "few-hosts": few_hosts_view,
    "many-hosts": many_hosts_view,
    "life": life_view,
    "life-hosts": life_hosts_view,
    "installing": installing_view,
    "installing-hosts": installing_hosts_view,
}
SIZES = [(400, 700), (480, 700), (560, 700), (700, 900), (900, 1000), (1500, 1000)]
SCALES = {1.0: (1.0, 2.0, 1.25), 0.8: (1.0,), 1.5: (1.0,), 2.0: (1.5,)}
"""Scales to look at, by the scale of the type."""
LOOKS = [(scale, font_scale) for font_scale, scales in SCALES.items() for scale in scales]
USUAL = (900, 1000)


def leaves(root: SceneNode) -> list[tuple[SceneNode, SceneNode]]:
    """Every node that isn't a container, with its container."""
    return [(child, block) for block in root.children for child in block.children]


def installations_shown(driver: Driver) -> int:
    """How many rows of installations there are."""
    rows = driver.panel.scene().with_role(Role.LIST_ITEM)
    return sum(row.id.startswith("installation:") for row in rows)


def everything(name: str, size: tuple[int, int] = USUAL, scale: float = 1.0, font_scale: float = 1.0) -> Driver:
    """A panel with all installations unfolded, hosts and models too, a form, a search and a question open."""
    view = VIEWS[name]()
    driver = Driver(view, size, scale=scale, font_scale=font_scale, reduced_motion=True)
    opened = ("show-all", "host-more:laptop", "find-hosts", "add-host", "form:login:Basic", "form:more", "form:submit")
    unfolded = ("history-more", *(f"model-more:{row.name}" for row in view.models[:3] if row.details))
    queue = tuple(f"installation-more:{row.installation_id}" for row in view.installations)
    for node_id in (*opened, *unfolded, *queue, "delete:qwen3:8b"):
        if driver.has(node_id):
            driver.tab_to(node_id)
            driver.key(pygame.K_SPACE)
    return driver


@pytest.fixture(scope="module")
def unfolded(request: pytest.FixtureRequest) -> Driver:
    """`everything`, of the view and at the scale of type that the test names; resize it before you look."""
    name, font_scale = request.param
    return everything(name, font_scale=font_scale)


LAYOUTS = [
    pytest.param((name, font_scale), size, scale, id=f"{name}-{size[0]}wide-scale{scale}-font{font_scale}")
    for name in VIEWS
    for font_scale, scales in SCALES.items()
    for size in SIZES
    for scale in scales
]


@pytest.mark.parametrize(("unfolded", "size", "scale"), LAYOUTS, indirect=["unfolded"], scope="module")
def test_nothing_overlaps_and_nothing_leaves_its_place(unfolded: Driver, size: tuple[int, int], scale: float) -> None:
    unfolded.resize(size, scale)
    root = unfolded.panel.scene()
    found = leaves(root)
    for node, block in found:
        assert block.rect.contains(node.rect), f"{node.name!r} {node.rect} leaves {block.id} {block.rect}"
        assert node.rect.left >= 0, f"{node.name!r} leaves the window"
        assert node.rect.right <= root.rect.right, f"{node.name!r} leaves the window"
    for block in root.children:
        for first, second in combinations(block.children, 2):
            overlap = first.rect.clip(second.rect)
            assert not overlap.width * overlap.height, f"{first.name!r} and {second.name!r} overlap in {block.id}"
    filled = [block for block in root.children if block.children and block.role is not Role.IMAGE]
    scrolled = [block for block in filled if block.id not in ("header", "scroll-bar")]
    for one, other in combinations(scrolled, 2):
        overlap = one.rect.clip(other.rect)
        assert not overlap.width * overlap.height, f"{one.id} and {other.id} overlap"


@pytest.mark.parametrize(("size", "scale"), [((400, 700), 2.0), ((1500, 1000), 1.25)])
@pytest.mark.parametrize("name", ["connected", "life-hosts"])
def test_a_resized_panel_is_laid_out_as_one_of_that_size_from_the_start(
    name: str, size: tuple[int, int], scale: float
) -> None:
    resized = everything(name)
    resized.resize(size, scale)
    places = [
        [(node.id, node.role, node.name, node.shown, node.rect.x, node.rect.size) for node, _ in leaves(one)]
        for one in (resized.panel.scene(), everything(name, size, scale).panel.scene())
    ]
    assert places[0] == places[1]  # but for how far each is scrolled


@pytest.mark.parametrize("unfolded", [(name, 1.0) for name in VIEWS], indirect=True, ids=list(VIEWS), scope="module")
def test_at_the_usual_size_only_a_name_too_long_for_its_row_is_shortened(unfolded: Driver) -> None:
    unfolded.resize(USUAL, 1.0)
    shortened = {node.name for node, _ in leaves(unfolded.panel.scene()) if node.shown}
    assert shortened <= {"hf.co/bartowski/Meta-Llama-3.1-70B-Instruct-abliterated-GGUF:Q4_K_M"}


def test_what_is_shortened_says_so_with_an_ellipsis() -> None:
    view = connected_view()
    view.host.status_text = "Connected through a proxy that nobody has heard of before"
    view.installations[0].detail = "2.9 of 5.2 GB · 26 MB/s · 2 min left · " * 4
    root = Driver(view, (480, 700)).panel.scene()
    shortened = [node for node, _ in leaves(root) if node.shown]
    assert len(shortened) >= 3
    assert all("…" in node.shown for node in shortened)


def test_a_shortened_model_name_keeps_its_tag() -> None:
    root = Driver(connected_view(), (480, 700)).panel.scene()
    name = next(node for node, _ in leaves(root) if node.name.startswith("hf.co/bartowski/Meta"))
    assert name.shown.endswith(":Q4_K_M")
    assert name.shown.startswith("hf.co/")


@pytest.mark.parametrize("name", VIEWS)
def test_ids_are_unique(name: str) -> None:
    root = Driver(VIEWS[name](), (900, 1000)).panel.scene()
    ids = [node.id for node in root.walk()]
    assert len(ids) == len(set(ids))


def test_two_models_of_one_name_are_two_rows() -> None:
    view = connected_view()
    view.models = [view.models[0], view.models[0]]
    root = Driver(view).panel.scene()
    rows = [node for node in root.with_role(Role.LIST_ITEM) if node.name == "llama3.2:1b"]
    assert len({row.id for row in rows}) == 2
    assert not rows[0].rect.colliderect(rows[1].rect)


@pytest.mark.parametrize("name", ["connected", "installing", "installing-hosts"])
def test_every_control_has_a_name_of_its_own_and_a_size_to_hit(name: str) -> None:
    root = everything(name).panel.scene()
    controls = [node for node, _ in leaves(root) if node.focusable]
    assert len({(node.role, node.name) for node in controls}) == len(controls)
    assert all(node.rect.width >= 24 and node.rect.height >= 24 for node in controls)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}wide")
def test_tab_goes_through_every_control_from_top_to_bottom_and_round(size: tuple[int, int]) -> None:
    driver = everything("connected", size)
    driver.key(pygame.K_ESCAPE)  # the question, so that the controls stay the same from here on
    driver.key(pygame.K_ESCAPE)
    controls = [node for node, _ in leaves(driver.panel.scene()) if node.focusable]
    visited = []
    for _ in controls:
        driver.key(pygame.K_TAB)
        focused = driver.focused()
        assert focused is not None
        visited.append(focused)
    assert sorted(visited) == sorted(node.id for node in controls)
    driver.key(pygame.K_TAB)
    assert driver.focused() == visited[0]
    places = {node.id: node.rect for node in controls}
    assert visited[0] == "host"
    for before, after in pairwise(visited[1:]):  # without the header, which doesn't scroll
        first, second = places[before], places[after]
        assert second.y > first.y - 8 or second.x > first.x


def test_keyboard_focus_is_scrolled_into_view() -> None:
    driver = Driver(connected_view(), (900, 500))
    for _ in range(40):
        driver.key(pygame.K_TAB)
        driver.run(1.0)
        focused = driver.focused()
        assert focused is not None
        assert driver.node(focused).visible, f"{focused} has the focus and can't be seen"


def test_a_disabled_toggle_cannot_be_reached_and_says_why() -> None:
    driver = Driver(connected_view())
    node = driver.node("toggle:ai_extensions_ollama")
    assert not node.enabled
    assert not node.focusable
    assert any("Turn on “Auto models” first" in text for text in driver.texts())


def test_a_gauge_without_a_value_shows_its_reason_in_words_and_no_number() -> None:
    root = Driver(connected_view()).panel.scene()
    card = root.find("gauge-card:gpu")
    assert card is not None
    assert [node.name for node in card.children] == ["GPU", "No NVIDIA driver was found on this machine"]
    assert not card.with_role(Role.METER)
    meters = {node.name: node.value for node in root.with_role(Role.METER)}
    assert meters == {"CPU": "43 %", "Memory": "28.1 of 32 GB", "VRAM": "2.6 of 8 GB"}


def test_a_gauge_with_neither_value_nor_reason_says_that_it_was_not_measured() -> None:
    view = connected_view()
    view.gauges[0].value = None
    assert "Not measured yet" in Driver(view).texts()


def test_without_a_connection_the_reason_the_advice_and_a_button_are_there() -> None:
    driver = Driver(unreachable_view())
    texts = driver.texts()
    view = driver.view
    assert view.host.detail in texts
    assert all(line in texts for line in view.host.advice)
    assert driver.node("check-again").role is Role.BUTTON
    assert view.models_empty_text in texts
    assert view.install_error in texts
    assert all(notice.text in texts for notice in view.notices)


def test_with_a_connection_there_is_no_advice() -> None:
    assert not Driver(connected_view()).has("check-again")


def test_many_installations_are_folded_and_the_number_of_all_is_told() -> None:
    driver = Driver(connected_view())
    assert installations_shown(driver) == 3
    assert driver.node("show-all").name == "Show all (7) installations"
    driver.click("show-all")
    assert installations_shown(driver) == 7


def test_three_installations_are_not_folded() -> None:
    view = connected_view()
    del view.installations[3:]
    assert not Driver(view).has("show-all")


def test_progress_says_its_percentage_only_when_it_is_known() -> None:
    driver = Driver(connected_view())
    driver.click("show-all")
    bars = {node.name: node.value for node in driver.panel.scene().with_role(Role.PROGRESS_BAR)}
    assert bars["Progress of qwen3:8b"] == "56%"
    assert bars["Progress of gemma3:12b"] == ""


def test_a_model_that_is_being_deleted_has_no_working_button() -> None:
    driver = Driver(connected_view())
    assert not driver.node("delete:gemma3:27b").enabled
    assert driver.node("status:gemma3:27b").name == "Deleting"


def test_the_pill_tells_its_tone_beside_its_words() -> None:
    node = Driver(unreachable_view()).node("host-status")
    assert (node.name, node.value) == ("Not reachable", Tone.DANGER.value)


def test_an_empty_panel_can_be_painted_before_there_is_a_view() -> None:
    from ecs_localai.panel.panel import Panel

    panel = Panel((900, 700), theme="dark")
    surface = pygame.Surface((900, 700), 0, 32)
    assert panel.paint(surface) == [pygame.Rect(0, 0, 900, 700)]
    assert surface.get_at((450, 350))[:3] == (0x1C, 0x1C, 0x1E)
    assert panel.paint(surface) == []


def test_the_dump_reads_like_the_page() -> None:
    dump = Driver(connected_view()).panel.scene().dump()
    assert "window 'Local AI models'" in dump
    assert "switch 'Auto models' 'on'" in dump
    assert "switch 'AI extensions with Ollama models' 'off' disabled" in dump
