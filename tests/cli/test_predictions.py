"""`f1 predictions`: the newest prediction of an event, in each of its forms."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import f1lib
from f1lib.cli.main import main
from f1lib.lake.store import open_store


@pytest.fixture(autouse=True)
def _time_zone_restored() -> Iterator[None]:
    yield
    time.tzset()


def test_the_table_names_the_event_the_horizon_and_the_model_and_shows_everybody(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "chin", *weekend_lake]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED DATA - 2025 Chinese Grand Prix, pre_race, as of 2025-03-30" in said
    assert "source: simulated - model run " in said
    assert sum(line.endswith(" %") for line in said.splitlines()) == 20


def test_json_and_csv_hold_the_same_drivers_in_the_predicted_order(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "2025_Chinese_Grand_Prix", "--json", *weekend_lake]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["predicted_rank"] for row in rows] == list(range(1, 21))
    assert main(["predictions", "2025_Chinese_Grand_Prix", "--csv", *weekend_lake]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["driver_id"] for line in lines] == [row["driver_id"] for row in rows]
    assert "position_probabilities" in rows[0]
    assert "position_probabilities" not in lines[0]


def test_the_sprint_has_a_prediction_of_its_own(weekend_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "chin", "--session", "S", *weekend_lake]) == 0
    assert "2025 Chinese Grand Prix, Sprint, pre_race" in capsys.readouterr().out


def test_a_changed_race_is_predicted_and_not_stored(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(weekend_lake[3])
    before = store.list("predictions/")
    assert main(["predictions", "chin", "--set", "weather=wet", *weekend_lake]) == 0
    assert "What if weather=wet? (not stored)" in capsys.readouterr().out
    assert store.list("predictions/") == before


def test_json_and_csv_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["predictions", "chin", "--json", "--csv"])
    assert stopped.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_without_an_event_the_next_race_is_meant_and_its_start_is_local(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    saturday = [*weekend_lake[:-1], "2025-03-29T12:00:00Z"]
    assert main(["predictions", *saturday]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "2025 Chinese Grand Prix" in said[0]
    assert re.search(
        r" wins with a chance of \d+ %, .* The race starts on \w+ \d+ March 2025 at [\d:]+ JST\.$", said[-1]
    )


@pytest.mark.parametrize("words", [["shanghai"], ["china"], ["chinese", "grand", "prix"], ["2025", "china"]])
def test_circuit_country_and_unquoted_words_find_the_event_and_after_the_race_its_result_is_told(
    weekend_lake: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", *words, *weekend_lake]) == 0
    said = capsys.readouterr().out.splitlines()
    assert re.search(r" won \(given [<>]?\d+ %\), [0-3] of 3 on the podium$", said[-1])
    assert said[1].split()[:3] == ["rank", "result", "driver"]


def test_what_was_issued_later_is_not_shown(weekend_lake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "china", *weekend_lake[:-1], "2025-03-10T00:00:00Z"]) == 1
    assert "no prediction for the race of 2025_Chinese_Grand_Prix yet" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--set", "weather=wet"], ["--beats", "1", "2"]], ids=str)
def test_in_every_form_it_is_the_prediction_that_stood_at_the_moment(
    weekend_lake: list[str], form: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    for now in ("2025-03-29T12:00:00Z", "2025-03-30T06:30:00Z"):
        frame = f1lib.open(weekend_lake[3], as_of=now).predictions("china")
        drivers = {"1": frame["driver_id"].iloc[0], "2": frame["driver_id"].iloc[5]}
        assert main(["predictions", "china", *(drivers.get(word, word) for word in form), *weekend_lake[:-1], now]) == 0
        said[now] = capsys.readouterr().out
        if "--beats" not in form:
            assert frame["horizon"].iloc[0] in said[now]
    assert len(set(said.values())) == 2


def test_while_the_race_is_run_its_result_is_not_told(
    weekend_lake: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predictions", "china", *weekend_lake[:-1], "2025-03-30T07:30:00Z"]) == 0
    assert "It has started; its result is not known yet." in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["sprint", "S", "s"])
def test_the_sprint_has_several_names(weekend_lake: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "china", "--session", name, *weekend_lake]) == 0
    assert "2025 Chinese Grand Prix, Sprint, pre_race" in capsys.readouterr().out


def test_a_prediction_is_shown_without_pandas_and_numpy(weekend_lake: list[str]) -> None:
    program = (
        "import sys; from f1lib.cli.main import main\n"
        "main(sys.argv[1:]); print([name for name in ['numpy', 'pandas', 'pyarrow', 'duckdb'] if name in sys.modules])"
    )
    saturday = [*weekend_lake[:-1], "2025-03-29T12:00:00Z"]
    command = [sys.executable, "-c", program, "predictions", *saturday]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "[]"
