"""One id a driver and one a team, whichever source names them: F1DB's ids are the canonical ones.

Every function is a rule plus the few names the rule gets wrong; both are checked against real answers of the
sources. Car numbers are never looked at: they change hands.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from importlib import resources

# Slug of a source's full name -> F1DB's id, where the two differ.
_BY_NAME = {
    "carlos-sainz": "carlos-sainz-jr",
    "andrea-kimi-antonelli": "kimi-antonelli",
    "zhou-guanyu": "guanyu-zhou",
    "alex-albon": "alexander-albon",
    "alfonso-celis": "alfonso-celis-jr",
    "ollie-bearman": "oliver-bearman",
    "robert-schwartzman": "robert-shwartzman",
    "robert-schwarzman": "robert-shwartzman",
    "nicolas-latifi": "nicholas-latifi",
    "pato-oward": "patricio-oward",
    "patricio-o-ward": "patricio-oward",
    "zak-o-sullivan": "zak-osullivan",
    "jerome-d-ambrosio": "jerome-dambrosio",
    "alex-dunne": "alexander-dunne",
    "qing-hua-ma": "ma-qinghua",
    "qinghua-ma": "ma-qinghua",
    "ma-qing-hua": "ma-qinghua",
    "daniel-clos": "dani-clos",
    "sergei-sirotkin": "sergey-sirotkin",
    "nyck-devries": "nyck-de-vries",
}

# Ergast's driver ids are mostly bare surnames; the rule would need the given name.
_BY_ERGAST_ID = {
    "aitken": "jack-aitken",
    "albon": "alexander-albon",
    "alguersuari": "jaime-alguersuari",
    "alonso": "fernando-alonso",
    "ambrosio": "jerome-dambrosio",
    "antonelli": "kimi-antonelli",
    "aron": "paul-aron",
    "arvid_lindblad": "arvid-lindblad",
    "barrichello": "rubens-barrichello",
    "bearman": "oliver-bearman",
    "bortoleto": "gabriel-bortoleto",
    "bottas": "valtteri-bottas",
    "buemi": "sebastien-buemi",
    "button": "jenson-button",
    "chandhok": "karun-chandhok",
    "chilton": "max-chilton",
    "colapinto": "franco-colapinto",
    "crawford": "jak-crawford",
    "de_vries": "nyck-de-vries",
    "doohan": "jack-doohan",
    "ericsson": "marcus-ericsson",
    "garde": "giedo-van-der-garde",
    "gasly": "pierre-gasly",
    "giovinazzi": "antonio-giovinazzi",
    "glock": "timo-glock",
    "grassi": "lucas-di-grassi",
    "grosjean": "romain-grosjean",
    "gutierrez": "esteban-gutierrez",
    "hadjar": "isack-hadjar",
    "hamilton": "lewis-hamilton",
    "haryanto": "rio-haryanto",
    "heidfeld": "nick-heidfeld",
    "hulkenberg": "nico-hulkenberg",
    "karthikeyan": "narain-karthikeyan",
    "klien": "christian-klien",
    "kobayashi": "kamui-kobayashi",
    "kovalainen": "heikki-kovalainen",
    "kubica": "robert-kubica",
    "kvyat": "daniil-kvyat",
    "latifi": "nicholas-latifi",
    "lawson": "liam-lawson",
    "leclerc": "charles-leclerc",
    "lindblad": "arvid-lindblad",
    "liuzzi": "vitantonio-liuzzi",
    "lotterer": "andre-lotterer",
    "maldonado": "pastor-maldonado",
    "massa": "felipe-massa",
    "mazepin": "nikita-mazepin",
    "merhi": "roberto-merhi",
    "nasr": "felipe-nasr",
    "norris": "lando-norris",
    "ocon": "esteban-ocon",
    "perez": "sergio-perez",
    "petrov": "vitaly-petrov",
    "piastri": "oscar-piastri",
    "pic": "charles-pic",
    "raikkonen": "kimi-raikkonen",
    "resta": "paul-di-resta",
    "ricciardo": "daniel-ricciardo",
    "rosa": "pedro-de-la-rosa",
    "rosberg": "nico-rosberg",
    "rossi": "alexander-rossi",
    "russell": "george-russell",
    "sainz": "carlos-sainz-jr",
    "sargeant": "logan-sargeant",
    "sirotkin": "sergey-sirotkin",
    "stevens": "will-stevens",
    "stroll": "lance-stroll",
    "sutil": "adrian-sutil",
    "trulli": "jarno-trulli",
    "tsunoda": "yuki-tsunoda",
    "vandoorne": "stoffel-vandoorne",
    "vergne": "jean-eric-vergne",
    "vettel": "sebastian-vettel",
    "webber": "mark-webber",
    "wehrlein": "pascal-wehrlein",
    "yamamoto": "sakon-yamamoto",
    "zhou": "guanyu-zhou",
}

# Slug of a team's name or Ergast id -> F1DB's constructor id, where the two differ and the year does not matter.
_TEAMS = {
    "alfa": "alfa-romeo",
    "alfa-romeo-racing": "alfa-romeo",
    "alpha-tauri": "alphatauri",
    "scuderia-alphatauri": "alphatauri",
    "alpine-f1-team": "alpine",
    "aston-martin-racing": "aston-martin",
    "audi-f1-team": "audi",
    "cadillac-f1-team": "cadillac",
    "cadillac-formula-1-team": "cadillac",
    "haas-f1-team": "haas",
    "lotus": "lotus-f1",
    "manor-marussia": "marussia",
    "red-bull-racing": "red-bull",
    "scuderia-toro-rosso": "toro-rosso",
    "stake-f1-team-kick-sauber": "kick-sauber",
    "visa-cash-app-rb": "rb",
    "rb-f1-team": "rb",
}

# What a slug meant before or after: (slug, first season, last season) -> F1DB's constructor id.
_TEAMS_BY_SEASON = {
    ("sauber", 2024, 2025): "kick-sauber",
    ("rb", 2025, 9999): "racing-bulls",
    ("racing-point", 2018, 2018): "force-india",
    ("manor", 2015, 2015): "marussia",
    ("lotus-f1", 2010, 2011): "lotus-racing",
    ("lotus-racing", 2012, 2015): "lotus-f1",
}


def is_team(team_id: str) -> bool:
    """Whether an id is a Formula 1 team's: one that has raced since 2010 or is entered (F1DB's constructors)."""
    return team_id in _teams()


@cache
def _teams() -> frozenset[str]:
    text = resources.files("f1lib.domain").joinpath("data", "teams.csv").read_text(encoding="utf-8")
    return frozenset(row["team_id"] for row in csv.DictReader(text.splitlines()))


def driver_id(full_name: str) -> str:
    """The canonical id of a driver's full name, in any case and with or without accents.

    ``Max VERSTAPPEN`` is ``max-verstappen``, ``ZHOU Guanyu`` is ``guanyu-zhou``. A name nobody has seen yet
    gets its slug, which is how F1DB makes its own ids.
    """
    name = _slug(full_name)
    return _BY_NAME.get(name, name)


def driver_id_from_ergast(ergast_id: str, full_name: str) -> str:
    """The canonical id of an Ergast/Jolpica driver id; ``full_name`` decides for an id not in the table.

    ``sainz`` is ``carlos-sainz-jr``. Either may be empty, not both.
    """
    known = _BY_ERGAST_ID.get(ergast_id)
    if known:
        return known
    return driver_id(full_name or ergast_id)


def team_id(name: str, season: int) -> str:
    """The canonical id of a team's name or Ergast id in a season.

    ``("Sauber", 2018)`` is ``sauber``, ``("sauber", 2024)`` is ``kick-sauber``: the year decides.
    """
    slug = _slug(name)
    slug = _TEAMS.get(slug, slug)
    for (known, first, last), canonical in _TEAMS_BY_SEASON.items():
        if slug == known and first <= season <= last:
            return canonical
    return slug


def team_lineage(team_id: str) -> str:
    """One id through a team's renames since 2010: its last name's (``racing-bulls`` for ``toro-rosso``).

    An id without a known rename is its own lineage.
    """
    return lineages().get(team_id, team_id)


@cache
def lineages() -> dict[str, str]:
    """Team id -> lineage for every team that was renamed (after F1DB's constructor chronology)."""
    text = resources.files("f1lib.domain").joinpath("data", "team_lineage.csv").read_text(encoding="utf-8")
    return {row["team_id"]: row["team_lineage"] for row in csv.DictReader(text.splitlines())}


def _slug(name: str) -> str:
    """Lower case, without accents or apostrophes, words joined by ``-``: F1DB's own rule."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text.replace("'", "")).strip("-")
