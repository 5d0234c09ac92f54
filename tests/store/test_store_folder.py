"""Where the data lies: the caller's choice, the environment's, or the platform's place."""

from pathlib import Path

import platformdirs
import pytest

from ecs_localai.store import DATA_DIR_VARIABLE, data_folder


def test_the_callers_choice_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "environment"))
    assert data_folder(tmp_path / "chosen") == tmp_path / "chosen"


def test_the_environment_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path / "environment"))
    assert data_folder() == tmp_path / "environment"


@pytest.mark.parametrize("empty", [True, False])
def test_otherwise_it_is_the_platforms_place(empty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if empty:
        monkeypatch.setenv(DATA_DIR_VARIABLE, "")
    else:
        monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    assert data_folder() == Path(platformdirs.user_data_dir("ecs-localai", appauthor=False))


def test_the_path_is_absolute_and_the_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_folder(Path("here")) == tmp_path / "here"
    assert data_folder(Path("~/there")) == Path.home() / "there"


def test_nothing_is_created(tmp_path: Path) -> None:
    data_folder(tmp_path / "later")
    assert not list(tmp_path.iterdir())
