"""Releases that are cut off, foreign, incomplete or damaged: one clear message each, naming file and column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from f1lib.domain.weekend import EventKey
from f1lib.errors import SourceError
from f1lib.sources.f1db.source import F1dbSource
from tests.support.f1db_zips import changed, tiny, write

LATER = datetime(2026, 8, 1, tzinfo=UTC)
AUSTRALIA = EventKey(2025, "Australian Grand Prix")


def read_all(path: Path) -> list[int]:
    """What an ingest of the tiny release asks for; the rows of each answer."""
    source, rows = F1dbSource(path), []
    for season in source.seasons(LATER):
        for row in source.schedule(season, LATER).sessions.to_dict("records"):
            if season == 2025:
                answer = source.session(EventKey(season, row["event_name"]), row["session"], LATER)
                rows.append(len(answer.frames["results"]))
    return [*rows, len(source.starting_grid(AUSTRALIA, "R", LATER).frames["starting_grid"])]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write(tmp_path / "whole.zip", tiny())


def test_the_whole_release_is_read_without_a_complaint(release: Path) -> None:
    rows = read_all(release)
    assert len(rows) > 1
    assert min(rows) > 0


@pytest.mark.parametrize("kept", [0, 10, 0.3, 0.9, -1])
def test_a_release_that_was_cut_off_is_refused_wherever_the_cut_is(release: Path, tmp_path: Path, kept: float) -> None:
    content = release.read_bytes()
    end = int(kept * len(content)) if 0 < kept < 1 else int(kept)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(content[:end])
    with pytest.raises(SourceError, match=r"cut\.zip is no complete zip file .*download it again"):
        read_all(cut)


def test_the_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "holiday.zip", "w") as archive:
        archive.writestr("beach.txt", "sunny")
    with pytest.raises(SourceError, match=r"holiday\.zip holds no f1db-races\.csv: it is no F1DB CSV release"):
        read_all(tmp_path / "holiday.zip")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot read the F1DB release .*nowhere\.zip: No such file"):
        read_all(tmp_path / "nowhere.zip")


def test_a_flipped_byte_inside_a_file_is_noticed(release: Path, tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(release) as archive:
        info = archive.getinfo("f1db-races-race-results.csv")
    content = bytearray(release.read_bytes())
    content[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(bytes(content))
    with pytest.raises(SourceError, match=r"f1db-races-race-results\.csv in damaged\.zip is (damaged|no CSV file)"):
        read_all(damaged)


@pytest.mark.parametrize("missing", ["drivers", "circuits", "races-race-results", "races-pit-stops"])
def test_a_missing_file_is_named(release: Path, tmp_path: Path, missing: str) -> None:
    path = changed(release, tmp_path / "less.zip", {missing: lambda _: None})
    with pytest.raises(SourceError, match=rf"less\.zip has no f1db-{missing}\.csv"):
        read_all(path)


def _edit(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text, f"{old!r} is not in the file that was to be broken"
        return text.replace(old, new, 1)

    return edit


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("races", "circuitId", "trackId", r"f1db-races\.csv in odd\.zip has no column circuitId"),
        ("races", ",round,", ",heat,", r"f1db-races\.csv in odd\.zip has no column round"),
        ("races-qualifying-results", "q2Millis", "q2", r"f1db-races-qualifying-results\.csv .*has no column q2Millis"),
        ("drivers", "abbreviation", "short", r"f1db-drivers\.csv in odd\.zip has no column abbreviation"),
        ("races-race-results", "6126304", "quick", r"race-results\.csv .*column timeMillis is not a whole number"),
        ("races-race-results", ",25,", ",many,", r"race-results\.csv: column points is not a number"),
        ("races", "2025-03-16", "16/03/2025", r"race 1 in f1db-races\.csv: date '16/03/2025'"),
        ("races", "04:00", "4 o'clock", r"2025_Australian_Grand_Prix R: \"4 o'clock\" in f1db-races\.csv"),
        ("races", "melbourne", "atlantis", r"circuitId 'atlantis' is not in f1db-circuits\.csv"),
        ("races", "australia", "atlantis", r"grandPrixId 'atlantis' is not in f1db-grands-prix\.csv"),
        ("races-race-results", "lando-norris", "nobody", r"driverId 'nobody' is not in f1db-drivers\.csv"),
        ("races-race-results", "mclaren", "noteam", r"constructorId 'noteam' is not in f1db-constructors\.csv"),
    ],
)
def test_a_release_of_another_shape_says_what_is_wrong_where(
    release: Path, tmp_path: Path, file: str, old: str, new: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read_all(changed(release, tmp_path / "odd.zip", {file: _edit(old, new)}))


def test_a_file_that_is_a_web_page_is_no_csv(release: Path, tmp_path: Path) -> None:
    path = changed(release, tmp_path / "page.zip", {"races": lambda _: "<html>\n<a>,<b>,<c>\n</html>\n"})
    with pytest.raises(SourceError, match=r"f1db-races\.csv in page\.zip (is no CSV file|has no column)"):
        read_all(path)


def test_an_empty_file_has_no_columns(release: Path, tmp_path: Path) -> None:
    path = changed(release, tmp_path / "empty.zip", {"races-race-results": lambda _: ""})
    with pytest.raises(SourceError, match=r"f1db-races-race-results\.csv in empty\.zip has no column raceId"):
        read_all(path)


def test_a_release_without_a_season_since_2010_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "old.zip", {**tiny(), "races": [{**tiny()["races"][0], "year": 1999}]})
    with pytest.raises(SourceError, match=r"old\.zip has no race from 2010 on"):
        F1dbSource(path).seasons(LATER)
