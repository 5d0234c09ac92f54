"""What is posted comes back equal after the file was closed and opened again."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.store import HISTORY_READ, JsonValue, ModelUsage, Store, StoredInstallation, StoredState, Table
from tests.store.store_parts import execute, rows, write_row

NOON = datetime(2025, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=10,
)
moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


def reopened(folder: Path) -> StoredState:
    with Store.open(folder) as store:
        assert store.notice is None
        assert not store.failures
        return store.initial


def test_a_new_store_is_empty(tmp_path: Path) -> None:
    assert reopened(tmp_path / "new" / "folder") == StoredState()


def test_everything_comes_back(tmp_path: Path) -> None:
    window: JsonValue = {"width": 900, "height": 640.5, "maximised": False, "theme": None, "tabs": ["ä", "模型"]}
    with Store.open(tmp_path) as store:
        store.set_flag("auto_models", True)
        store.set_flag("custom_providers", False)
        store.set_setting("host", "http://127.0.0.1:11434")
        store.set_setting("window", window)
        store.add_history("a1", NOON, b'{"model_name":"llama3.2:1b"}')
        store.set_model_usage("llama3.2:1b", ModelUsage(7, NOON))
        store.set_model_usage("never", ModelUsage())
    assert reopened(tmp_path) == StoredState(
        flags={"auto_models": True, "custom_providers": False},
        settings={"host": "http://127.0.0.1:11434", "window": window},
        history=[StoredInstallation("a1", NOON, b'{"model_name":"llama3.2:1b"}')],
        model_usage={"llama3.2:1b": ModelUsage(7, NOON), "never": ModelUsage()},
    )


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(text, json_values, max_size=5),
    st.dictionaries(text, st.booleans(), max_size=5),
    st.dictionaries(text, st.builds(ModelUsage, st.integers(0, 2**63 - 1), st.none() | moments), max_size=5),
)
def test_any_value_comes_back(
    wanted: dict[str, JsonValue], flags: dict[str, bool], usage: dict[str, ModelUsage]
) -> None:
    with TemporaryDirectory() as name:
        with Store.open(Path(name)) as store:
            for key, value in wanted.items():
                store.set_setting(key, value)
            for feature_id, enabled in flags.items():
                store.set_flag(feature_id, enabled)
            for model, used in usage.items():
                store.set_model_usage(model, used)
        assert reopened(Path(name)) == StoredState(flags=flags, settings=wanted, model_usage=usage)


def test_the_last_of_several_changes_stands(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for number in range(5000):
            store.set_setting("theme", number)
            store.set_flag("auto_models", number % 2 == 0)
    state = reopened(tmp_path)
    assert state.settings == {"theme": 4999}
    assert state.flags == {"auto_models": False}


def test_history_keeps_the_order_of_posting_whatever_the_clock_did(tmp_path: Path) -> None:
    total = HISTORY_READ + 50
    with Store.open(tmp_path) as store:
        for number in range(total):
            jumping = NOON + timedelta(days=(-1) ** number)
            store.add_history(f"id-{number}", jumping, b"%d" % number)
            if number % 60 == 0:
                assert store.flush()
    newest_first = [row.installation_id for row in reopened(tmp_path).history]
    assert newest_first == [f"id-{number}" for number in reversed(range(total - HISTORY_READ, total))]
    assert rows(tmp_path, "SELECT count(*) FROM history") == [(total,)]


@pytest.mark.parametrize("saved_between", [True, False])
def test_an_installation_that_comes_again_becomes_the_newest(saved_between: bool, tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.add_history("one", NOON, b"1")
        store.add_history("two", NOON, b"2")
        assert not saved_between or store.flush()
        store.add_history("one", NOON, b"3")
    assert [(row.installation_id, row.data) for row in reopened(tmp_path).history] == [("one", b"3"), ("two", b"2")]


def test_a_time_of_another_zone_is_the_same_moment(tmp_path: Path) -> None:
    kathmandu = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    with Store.open(tmp_path) as store:
        store.add_history("a", kathmandu, b"{}")
    assert reopened(tmp_path).history[0].finished_at == NOON


def test_what_a_caller_changes_after_posting_stays_out(tmp_path: Path) -> None:
    columns = ["name"]
    with Store.open(tmp_path) as store:
        store.set_setting("columns", columns)
        columns.append("size")
    assert reopened(tmp_path).settings == {"columns": ["name"]}


def test_a_value_that_cannot_be_kept_is_named_and_the_others_are_saved(tmp_path: Path) -> None:
    endless: list[object] = []
    endless.append(endless)
    with Store.open(tmp_path) as store:
        store.set_setting("object", object())
        store.set_setting("endless", endless)
        store.set_setting("\ud800", 1)
        store.set_flag("\udfff", True)
        store.set_model_usage("\ud800", ModelUsage())
        store.add_history("not json", NOON, b"{")
        store.add_history("not text", NOON, b'"\xff"')
        store.add_history("too early", datetime.min.replace(tzinfo=timezone(timedelta(hours=3))), b"{}")
        store.set_setting("good", 1)
        assert store.flush()
        assert len(store.failures) == 8
        assert all("cannot be saved" in sentence for sentence in store.failures)
        assert "'object'" in store.failures[0]
    assert reopened(tmp_path) == StoredState(settings={"good": 1})


def test_an_unreadable_row_is_named_and_hides_no_other(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for key in ("a", "b"):
            store.set_setting(key, key)
            store.set_model_usage(key, ModelUsage(1))
            store.add_history(key, NOON, b"{}")
            store.set_flag(key, True)
    write_row(tmp_path, Table.SETTINGS, "a", "{")
    write_row(tmp_path, Table.FLAGS, "a", "1")
    execute(tmp_path, "UPDATE model_usage SET value = CAST(x'ff' AS TEXT) WHERE key = 'a'")
    execute(tmp_path, "UPDATE history SET at = at + 1 WHERE key = 'a'")
    with Store.open(tmp_path) as store:
        assert store.initial.settings == {"b": "b"}
        assert store.initial.model_usage == {"b": ModelUsage(1)}
        assert [row.installation_id for row in store.initial.history] == ["b"]
        assert store.initial.flags == {"b": True}
        assert len(store.failures) == 4
        assert all("was skipped" in sentence for sentence in store.failures)


def test_a_store_in_memory_takes_everything_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open(None)
    store.set_flag("auto_models", True)
    store.set_setting("theme", "dark")
    store.add_history("a", NOON, b"{}")
    store.set_model_usage("m", ModelUsage(1))
    assert store.flush()
    assert store.close()
    assert store.initial == StoredState()
    assert store.notice is None
    assert store.file is None
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps rights in access lists, not in a mode")
def test_only_the_owner_can_look_in(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        store.set_flag("auto_models", True)
        assert store.flush()
        assert folder.stat().st_mode & 0o777 == 0o700
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert len(modes) == 3  # the file, its log, the log's index
    assert set(modes.values()) == {0o600}
