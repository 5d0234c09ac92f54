"""Views with one, a few and fifty hosts, for the panel's tests."""

from __future__ import annotations

from ecs_localai.components.authentication import OllamaAuth
from ecs_localai.components.hosts import OllamaConfiguration
from ecs_localai.components.panel_view import (
    DifferenceView,
    FoundRow,
    HostRow,
    InstallationRow,
    ModelRow,
    PanelView,
    PlaceBadge,
    SearchView,
    Tone,
)
from ecs_localai.components.secret_source import SecretPlace, SecretSource
from ecs_localai.components.tls import TlsSettings
from tests.panel.panel_samples import connected_view

REFUSED = (
    "Nothing listens at 192.168.1.31 on port 11434: Ollama is not running there, or only for that computer itself."
)
ADVICE = [
    "On 192.168.1.31, check that Ollama is running and was started with OLLAMA_HOST=0.0.0.0.",
    "Check that a firewall lets port 11434 through.",
]
LAPTOP = OllamaConfiguration("192.168.1.31")
PROXIED = OllamaConfiguration(
    "ollama.example.com",
    443,
    tls_enabled=True,
    base_path="/ollama",
    authentication=OllamaAuth.basic("anna", source=SecretSource(SecretPlace.KEYRING, "ollama.example.com 1f")),
    tls=TlsSettings(ca_file="/etc/ssl/own-ca.pem"),
)


def only_host() -> HostRow:
    """The host that most people have, and no other."""
    facts = "127.0.0.1:11434 · Ollama 0.9.3 · 2 ms · 7 models · 72 GB · up 3 h 12 min"
    return HostRow(
        "This computer", "http://127.0.0.1:11434", facts, "Connected", Tone.OK, is_default=True, icon="monitor"
    )


def few_hosts() -> list[HostRow]:
    """Connected, not connected, behind a proxy with a log-in, unstable."""
    return [
        connected_row("here", "127.0.0.1:11434", 2, 7, "72 GB", "up 3 h 12 min", default=True, icon="monitor"),
        HostRow(
            "laptop", "http://192.168.1.31:11434", "192.168.1.31:11434", "Not connected", Tone.DANGER, reason=REFUSED,
            advice=list(ADVICE), config=LAPTOP,
        ),
        HostRow(
            "team", "https://ollama.example.com:443/ollama",
            "https://ollama.example.com/ollama · Ollama 0.13.1 · 41 ms · 5 models · 31 GB · up 6 d 2 h", "Connected",
            Tone.OK, icon="lock", config=PROXIED,
        ),
        HostRow(
            "attic", "http://10.0.0.9:11434", "10.0.0.9:11434 · Ollama 0.9.3 · 180 ms · 2 models · 8.1 GB", "Unstable",
            Tone.WARN, reason="It comes and goes. Look into its log, or at the network on the way to it.",
        ),
    ]  # fmt: skip


def connected_row(
    name: str, address: str, ms: int, models: int, size: str, up: str, *, default: bool = False, icon: str = "server"
) -> HostRow:
    """A connected host."""
    facts = f"{address} · Ollama 0.9.3 · {ms} ms · {models} models · {size} · {up}"
    host, _, port = address.rpartition(":")
    config = OllamaConfiguration(host, int(port))
    return HostRow(name, f"http://{address}", facts, "Connected", Tone.OK, default, icon=icon, config=config)


def many_hosts(count: int = 50) -> list[HostRow]:
    """As many hosts; the 20th is the default one, two of them are not there."""
    rows = [
        connected_row(f"node-{n:02}", f"10.1.0.{n}:11434", n, n % 9, f"{n} GB", f"up {n} h", default=n == 20)
        for n in range(1, count + 1)
    ]
    for number in (33, 41):
        if number < count:
            row = rows[number]
            row.status_text, row.tone, row.facts = "Not connected", Tone.DANGER, f"10.1.0.{number + 1}:11434"
            row.reason, row.advice = REFUSED, list(ADVICE)
    return rows


def single_view() -> PanelView:
    """One host."""
    view = connected_view()
    view.hosts = [only_host()]
    return view


def places(names: list[str], older: list[str], absent: list[str]) -> dict[str, object]:
    """The parts of a model's row that say where it is."""
    badges = [*(PlaceBadge(name) for name in names), *(PlaceBadge(f"older on {name}", Tone.WARN) for name in older)]
    both = not older and not absent
    label = ""
    if targets := [*absent, *older]:
        label = f"Install on {targets[0]}" if len(targets) == 1 else f"Install on {len(targets)} hosts…"
    return {
        "where_text": "On all 4 hosts" if both else "On",
        "places": [] if both else badges,
        "absent_text": f"not on {' and '.join(absent)}" if absent else "",
        "hosts": [*names, *older],
        "installable_on": [*absent, *older],
        "install_label": label,
    }


def few_hosts_view() -> PanelView:
    """Four hosts whose models differ, one of them not there, and a finished search."""
    view = connected_view()
    view.hosts = few_hosts()
    view.hosts_summary = "3 of 4 connected"
    view.host.label = "Default host: here"
    where = [
        (["here", "laptop", "team", "attic"], [], []),
        (["here", "team"], ["attic"], ["laptop"]),
        (["team"], [], ["here", "attic"]),
        (["here"], [], ["laptop", "team", "attic"]),
    ]
    for row, (names, older, absent) in zip(view.models, where, strict=False):
        for name, value in places(names, older, absent).items():
            setattr(row, name, value)
    for row in view.models[len(where) :]:
        row.where_text, row.hosts, row.places = "On", ["here"], [PlaceBadge("here")]
        row.absent_text = "not on laptop, team and attic"
    view.models[0].status = "Loaded on here · 100 % GPU · 4 min left"
    view.difference = DifferenceView(
        "here lacks 1, laptop lacks 2, team lacks 1, attic lacks 2 and has 1 outdated",
        "Install 3 models, 61 GB in all?",
        [("qwen3:8b", ("laptop", "attic")), ("通义千问/模型:最新", ("laptop",))],
    )
    view.installations[0].host = "team"
    view.search = found()
    return view


def found() -> SearchView:
    """What a search in the local network brought."""
    return SearchView(
        lan=True,
        text="2 found in the local network and on this computer",
        rows=[
            FoundRow(
                "http://172.17.0.2:11434", "ollama-test", "172.17.0.2:11434 · Ollama 0.9.3 · in a container",
                "container", "ollama-test",
            ),
            FoundRow(
                "http://192.168.1.77:11434", "192.168.1.77:11434", "Ollama 0.13.1 · in the local network", "network"
            ),
        ],
        problems=["Containers cannot be looked at: Docker does not let this user ask it."],
    )  # fmt: skip


def many_hosts_view() -> PanelView:
    """Fifty hosts."""
    view = connected_view()
    view.hosts = many_hosts()
    view.hosts_summary = "48 of 50 connected"
    view.host.label = "Default host: node-20"
    names = [row.name for row in view.hosts]
    view.models = [
        ModelRow("llama3.2:1b", "Llama · 1.2B parameters", "Q8_0", ["Tools"], "1.3 GB", "Loaded on 12 hosts", Tone.OK),
        ModelRow("qwen3:8b", "Qwen 3 · 8.2B parameters", "Q4_K_M", ["Tools"], "5.2 GB"),
    ]  # fmt: skip
    view.models[0].where_text, view.models[0].hosts = "On all 50 hosts", names
    row = view.models[1]
    row.where_text, row.hosts, row.places = "On", names[:20], [PlaceBadge(name) for name in names[:20]]
    row.absent_text, row.installable_on = "not on node-21, node-22, node-23 and 27 more", names[20:]
    row.install_label = "Install on 30 hosts…"
    view.difference = DifferenceView(
        "node-21 lacks 1, node-22 lacks 1, node-23 lacks 1, and 27 more hosts differ",
        "Install 1 model, 156 GB in all?", [("qwen3:8b", tuple(names[20:]))],
    )  # fmt: skip
    view.installations = [
        InstallationRow("i1", "qwen3:8b", "2.9 of 5.2 GB · 26 MB/s · 2 min left", 0.558, host="node-21")
    ]
    return view
