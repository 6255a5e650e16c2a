"""Drivers of the simulated world: their skill, their teams, and the changes of seats in winter.

All are invented. Names are put together from syllables and end in ``(sim)``, ids begin with ``sim-``. Skills are lap
time in percent of a lap: negative is faster than the average driver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

RESERVES = 5
_FIRST = (
    "Aldo Bram Cato Dario Edric Faro Goran Hale Idris Joss Kaspar Leif Milo Nils Otto Pavel Quinn Remo Silas Timo "
    "Uri Vidar Wim Yves Zeno Anouk Brynn Celia Dana Esme"
).split()
_STARTS = (
    "Zarv Vexl Quilm Threnn Brixt Dovr Fennk Galt Haxw Ivor Jorv Kelb Lumr Morvw Nyxt Orlk Pellg Ruskb Sorv Tavl Ulmg "
    "Wendr Xanth Yorl"
).split()
_ENDS = "ik ane und ost ell uist ay orne ield arde ov olt ick en amar".split()


@dataclass(frozen=True)
class Driver:
    """One driver: fixed skills, year of birth, first season, and permanent car number (0: none yet).

    ``quali``, ``race`` and ``wet`` are percent of lap time, ``crash`` and ``tyres`` factors on the usual risk and wear;
    ``takes_one`` says whether a champion wears number 1.
    """

    driver_id: str
    full_name: str
    abbreviation: str
    born: int
    debut: int
    quali: float
    race: float
    wet: float
    crash: float
    tyres: float
    takes_one: bool
    number: int = 0

    def form(self, season: int) -> float:
        """Return the percent of lap time lost to inexperience (the first two seasons) and to age (from 36 on)."""
        learning = (0.18, 0.07)[season - self.debut] if 0 <= season - self.debut < 2 else 0.0
        return learning + 0.035 * max(0, season - self.born - 35)


@dataclass(frozen=True)
class Paddock:
    """The drivers of a season, immutable; each winter gives a new one.

    ``drivers`` by id; ``seats`` driver -> team; ``contracts`` driver -> last season; ``reserves`` by id; ``made``
    counts the drivers invented so far.
    """

    drivers: Mapping[str, Driver]
    seats: Mapping[str, str]
    contracts: Mapping[str, int]
    reserves: tuple[str, ...]
    made: int


def first_paddock(teams: Sequence[str], year: int, rng: np.random.Generator) -> Paddock:
    """Draw the drivers of the world's first season: two drivers of any age a team, and the reserves.

    Parameters
    ----------
    teams : sequence of str
        Team ids.
    year : int
        The season.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    Paddock
        The drivers of the season.
    """
    paddock = Paddock({}, {}, {}, (), 0)
    for team in [t for t in teams for _ in range(2)]:
        paddock = _hire(paddock, year, int(rng.integers(20, 35)), rng)
        newest = paddock.reserves[-1]
        paddock = _sign(replace(paddock, reserves=()), newest, team, year + int(rng.integers(0, 3)))
    return _fill_reserves(_number(paddock, rng), year, rng)


def winter(before: Paddock, teams: Sequence[str], year: int, rng: np.random.Generator) -> Paddock:
    """Draw the drivers of ``year`` from those of the season before: some leave, some move, reserves are promoted.

    The best free driver, as far as teams can tell, takes the best free seat.

    Parameters
    ----------
    before : Paddock
        The drivers at the end of the season before.
    teams : sequence of str
        Team ids of ``year``, the most attractive first.
    year : int
        The season.
    rng : numpy.random.Generator
        Random numbers.

    Returns
    -------
    Paddock
        The drivers of the season.
    """
    leaving = [d for d in before.seats if _leaves(before, d, year, rng)]
    free = [d for d in before.seats if d not in leaving and before.contracts[d] < year and rng.random() < 0.6]
    seats = {d: t for d, t in before.seats.items() if d not in leaving and d not in free}
    paddock = replace(before, seats=seats)
    open_seats = [t for t in teams for _ in range(2 - list(seats.values()).count(t))]
    seen = {d: before.drivers[d].race + before.drivers[d].form(year) + rng.normal(0, 0.1) for d in free}
    candidates = sorted(free, key=lambda d: (seen[d], d))
    for team in open_seats:
        if not candidates:
            candidates = [paddock.reserves[0]]
            paddock = _fill_reserves(_promote(paddock, candidates[0], year), year, rng)
        paddock = _sign(paddock, candidates.pop(0), team, year + int(rng.integers(0, 3)))
    paddock = _fill_reserves(_number(paddock, rng), year, rng)
    ends = {d: max(paddock.contracts[d], year + int(rng.integers(0, 2))) for d in paddock.seats}
    return replace(paddock, contracts=ends)


def replaced(paddock: Paddock, out: str, stepping_in: str, year: int) -> Paddock:
    """Return the drivers after a permanent change of seat within a season.

    Parameters
    ----------
    paddock : Paddock
        The drivers before.
    out, stepping_in : str
        Ids of the driver who leaves and of the reserve who takes the seat.
    year : int
        The season.

    Returns
    -------
    Paddock
        The drivers after.
    """
    paddock = _promote(paddock, stepping_in, year)
    seats = {(stepping_in if d == out else d): t for d, t in paddock.seats.items()}
    contracts = {d: end for d, end in paddock.contracts.items() if d != out} | {stepping_in: year}
    return replace(paddock, seats=seats, contracts=contracts)


def _leaves(paddock: Paddock, driver_id: str, year: int, rng: np.random.Generator) -> bool:
    driver = paddock.drivers[driver_id]
    slow = max(0.0, driver.race + driver.form(year) - 0.05)
    chance = 0.05 + 0.1 * max(0, year - driver.born - 35) + (0.8 * slow if driver.debut < year - 1 else 0.0)
    return bool(rng.random() < chance) and (paddock.contracts[driver_id] < year or year - driver.born > 38)


def _promote(paddock: Paddock, driver_id: str, year: int) -> Paddock:
    """Make a reserve a regular driver, whose first season is ``year``."""
    driver = replace(paddock.drivers[driver_id], debut=year)
    reserves = tuple(d for d in paddock.reserves if d != driver_id)
    return replace(paddock, drivers={**paddock.drivers, driver_id: driver}, reserves=reserves)


def _sign(paddock: Paddock, driver_id: str, team: str, last_season: int) -> Paddock:
    contracts = {**paddock.contracts, driver_id: last_season}
    return replace(paddock, seats={**paddock.seats, driver_id: team}, contracts=contracts)


def _number(paddock: Paddock, rng: np.random.Generator) -> Paddock:
    """Give each regular driver without a permanent number one; numbers of those who left last winter are kept free."""
    for driver_id in paddock.seats:
        driver = paddock.drivers[driver_id]
        if not driver.number:
            worn = {paddock.drivers[d].number for d in (*paddock.contracts, *paddock.seats)}
            number = int(rng.choice([n for n in range(2, 56) if n not in worn]))
            paddock = replace(paddock, drivers={**paddock.drivers, driver_id: replace(driver, number=number)})
    return paddock


def _fill_reserves(paddock: Paddock, year: int, rng: np.random.Generator) -> Paddock:
    while len(paddock.reserves) < RESERVES:
        paddock = _hire(paddock, year + 1, int(rng.integers(18, 23)), rng)
    return paddock


def _hire(paddock: Paddock, debut: int, age: int, rng: np.random.Generator) -> Paddock:
    """Add an invented driver to the reserves; ``debut`` is set again when a seat is taken."""
    serial = paddock.made
    pairs = len(_STARTS) * len(_ENDS)
    place = serial * 137 % pairs  # 137 shares no factor with 360: every surname is used once before one repeats
    surname = _STARTS[place % len(_STARTS)] + _ENDS[place // len(_STARTS)] + " II" * (serial // pairs)
    first = _FIRST[int(rng.integers(len(_FIRST)))]
    talent = rng.normal(0, 0.14)
    driver = Driver(
        driver_id=f"sim-{first}-{surname}".lower().replace(" ", "-"),
        full_name=f"{first} {surname} (sim)",
        abbreviation=_abbreviation(surname, paddock),
        born=debut - age,
        debut=debut if age < 23 else debut - (age - 22),
        quali=float(0.85 * talent + rng.normal(0, 0.07)),
        race=float(0.85 * talent + rng.normal(0, 0.07)),
        wet=float(rng.normal(0, 0.3)),
        crash=float(np.exp(rng.normal(0, 0.35))),
        tyres=float(np.exp(rng.normal(0, 0.15))),
        takes_one=bool(rng.random() < 0.75),
    )
    drivers = {**paddock.drivers, driver.driver_id: driver}
    return replace(paddock, drivers=drivers, reserves=(*paddock.reserves, driver.driver_id), made=serial + 1)


def _abbreviation(surname: str, paddock: Paddock) -> str:
    """Return three letters that nobody active has: the surname's first three, or its first two and a later one."""
    worn = {paddock.drivers[d].abbreviation for d in (*paddock.seats, *paddock.contracts, *paddock.reserves)}
    letters = surname.replace(" ", "").upper()
    fitting = [letters[:2] + later for later in letters[2:] + "XYZWKQJ" if letters[:2] + later not in worn]
    return fitting[0]
