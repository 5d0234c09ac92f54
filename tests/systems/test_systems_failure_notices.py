"""What a person sees when a part of the panel fails: a notice, and a panel that works on."""

from __future__ import annotations

from ecs_localai import App, InstallRequested, LocalModelsPlugin, PanelView, Update
from ecs_localai.systems.installation_desk import InstallationDesk
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import config_for


def notices(app: App) -> list[str]:
    """The sentences on the panel."""
    return [notice.text for notice in app.world.resource(PanelView).notices]


def test_a_part_of_the_panel_that_fails_is_said_once_and_works_again_when_its_cause_is_gone() -> None:
    with App() as app:
        app.add_plugins(LocalModelsPlugin(config_for(closed_port())))
        app.update(0.0)
        desk = app.world.remove_resource(InstallationDesk)
        assert desk is not None
        for _ in range(5):
            app.send_event(InstallRequested("llama3.2:1b"))
            app.update(0.0)
        told = notices(app)
        assert told
        assert len(told) == len(set(told)), "each once"
        for text in told:
            assert text.startswith("A part of this panel failed (")
            assert "needs the resource InstallationDesk" in text
        app.insert_resource(desk)
        app.send_event(InstallRequested("no such name!"))
        app.update(0.0)
        assert app.world.resource(PanelView).install_error, "it works again"


def test_a_hosts_own_systems_that_fail_are_none_of_the_panels_business() -> None:
    def fail() -> None:
        raise RuntimeError("the host's own")

    with App() as app:
        app.add_plugins(LocalModelsPlugin(config_for(closed_port()))).add_systems(Update, fail)
        for _ in range(3):
            app.update(0.0)
        assert not any("host's own" in text for text in notices(app))
