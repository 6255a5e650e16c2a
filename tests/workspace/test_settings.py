from pathlib import Path

import pytest

from f1lib.errors import BadParameters
from f1lib.workspace.settings import Settings, load_settings


def _file(folder: Path, text: str) -> Path:
    path = folder / "local.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_call_wins_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    file = _file(tmp_path, "lake: from-file\nsource: simulated\nmodel: grid_only_v1\n")
    environment = {"F1_SOURCE": "f1db", "F1_LAKE_URL": "from-environment"}
    settings = load_settings(file, environment, {"lake": "from-call", "tracking": ""})
    assert (settings.lake, settings.source, settings.model) == ("from-call", "f1db", "grid_only_v1")


def test_the_projects_own_file_is_valid(root: Path) -> None:
    assert load_settings(root / "parameters" / "local.yml", {}, {}) == Settings()


def test_the_aws_variables_name_bucket_and_tables(tmp_path: Path) -> None:
    environment = {"S3_BUCKET_NAME": "b", "DYNAMODB_TABLE_NAME": "t", "PREDICTIONS_TABLE_NAME": "p"}
    settings = load_settings(_file(tmp_path, ""), environment, {})
    assert (settings.lake, settings.tracking) == ("s3://b", "dynamodb://t?predictions=p")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lakes: x", "unknown setting lakes"),
        ("threads: two", "expected int"),
        ("threads: true", "setting threads is True; expected int"),
        ("threads: 0", r"local.yml: setting threads is 0; it must be at least 1"),
        ("1: x", "unknown setting 1"),
        ("source: ergast", "use one of auto, live"),
        ("- a\n- b", "`name: value` lines"),
        ("timing: fastf1 ergast", "setting timing is 'fastf1 ergast'; name some of fastf1, openf1"),
        ('timing: ""', "name some of fastf1, openf1, each once"),
        ("timing: openf1 openf1", "each once, in order"),
        ("site: f1.example.org", "setting site is 'f1.example.org'; it is an address such as https://"),
        ("lake: [", "cannot read settings"),
    ],
)
def test_a_wrong_line_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadParameters, match=said):
        load_settings(_file(tmp_path, text), {}, {})


def test_a_wrong_variable_is_said_to_stand_in_the_environment(tmp_path: Path) -> None:
    with pytest.raises(BadParameters, match="the environment: setting source is 'ergast'; use one of auto, live"):
        load_settings(_file(tmp_path, ""), {"F1_SOURCE": "ergast"}, {})
