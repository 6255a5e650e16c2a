"""Model configurations: those of the project are valid, a wrong one is refused by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from f1lib.errors import BadParameters
from f1lib.model.config import config_names, load_config, parse_config
from tests.support.made_up_training import CONFIG


@pytest.mark.parametrize("name", config_names())
def test_every_configuration_of_the_project_is_valid_and_named_as_its_file(name: str) -> None:
    assert load_config(name).name == name


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed: 7\nlearning_rate: 0.1", "learning_rate"),
        ("validation_races: '8'", "validation_races"),
        ("horizons: [pre_race, never]", "horizons"),
        ("name: [", "no YAML"),
    ],
)
def test_a_configuration_with_a_wrong_or_unknown_key_is_refused(change: str, said: str) -> None:
    key = change.split(":")[0]
    lines = [line for line in CONFIG.splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(BadParameters, match=said):
        parse_config("\n".join([*lines, change]), "test.yml")


def test_an_unknown_configuration_names_those_there_are() -> None:
    with pytest.raises(BadParameters, match="full_v1"):
        load_config("best_v9")


def test_the_reference_configurations_have_the_reference_settings() -> None:
    for name in ("grid_only_v1", "grid_plus_quali_v1"):
        trees = load_config(name).trees
        assert trees is not None
        found = (trees.n_estimators, trees.max_depth, trees.learning_rate, trees.subsample, trees.colsample_bytree)
        assert found == (200, 3, 0.05, 0.9, 0.9)


def test_two_configurations_that_differ_have_different_digests() -> None:
    one, two = parse_config(CONFIG, "a"), parse_config(CONFIG.replace("ridge: 5.0", "ridge: 6.0"), "b")
    assert one.digest() != two.digest()


def test_a_configuration_is_checked_without_numpy() -> None:
    program = (
        "import sys; from f1lib.model.config import load_config; load_config('blend_v2'); print('numpy' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said == "False\n"  # a tick's own process reads it, and holds what it has imported to the end
