"""The people of the city as they truly are: compact numbers that change from day to day, and the data elements rendered from them."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo import lists
from demo.dice import Dice, Flags, Ints
from demo.identifiers import resident_ids, sequences
from demo.text import Days, Text, dates, digits, joined, picked, plain, where

FIRST_DAY = np.datetime64("2025-06-30")
NEVER = np.datetime64("NaT", "D")
UNMARRIED, MARRIED, WIDOWED, DIVORCED = range(4)
MARITAL_CODES = ("10", "20", "30", "40")
EDUCATION_CODES = ("11", "14", "21", "31", "41", "61", "71", "81")
# Versions of a name or an address are told apart in the upper half of a dice key.
VERSION = 1 << 32


@dataclass(frozen=True)
class People:
    """One entry per person who ever lived in the city. `*_day` says on which day of the story a thing happened (0 = before it began)."""

    ordinal: Ints
    sex: Ints
    county: Ints
    id_division: Ints
    birth: Days
    sequence: Ints
    ethnic: Ints
    marital: Ints
    education: Ints
    employer: Ints
    death: Days
    name_version: Ints
    home_version: Ints
    phone_version: Ints
    born_day: Ints
    moved_day: Ints
    renamed_day: Ints
    marital_day: Ints
    died_day: Ints
    phone_day: Ints
    job_day: Ints
    left_day: Ints

    def __len__(self) -> int:
        return len(self.ordinal)

    def take(self, rows: Ints | Flags) -> "People":
        """Return the chosen entries."""
        return People(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def present(self) -> Flags:
        """Who has not left the city; the dead stay on record."""
        return np.equal(self.left_day, 0)

    def age(self, day: int) -> Ints:
        """Return the age in years on a day of the story."""
        return ((date_of(day) - self.birth).astype(np.int64) // 365.2425).astype(np.int64)


def date_of(day: int) -> np.datetime64:
    """Return the calendar date of a day of the story (1 is the first)."""
    return FIRST_DAY + np.timedelta64(day - 1, "D")


def make_people(dice: Dice, ordinal: Ints, employers: Ints, born: int = 0) -> People:
    """Make people; those `born` on a day of the story are babies of that day."""
    count = len(ordinal)
    counties = lists.places().counties
    day = max(born, 1)
    age_days = np.zeros(count, dtype=np.int64) if born else _age_days(dice, ordinal)
    birth = date_of(day) - age_days.astype("timedelta64[D]")
    age = age_days / 365.2425
    county = dice.pick("county", ordinal, [county.weight for county in counties])
    sex = 1 + dice.below("sex", ordinal, 2)
    id_division = _id_divisions(dice, ordinal, county, birth)
    marital = np.where(age < 22, UNMARRIED, _marital(dice, ordinal, age))
    died = dice.chance("dead", ordinal, 0.004) & (born == 0) | (dice.share("dead by age", ordinal) < (age - 55) / 200) & (age > 55)
    ago = dice.below("death date", ordinal, 1800)
    death = np.where(died & (ago < age_days), date_of(day) - ago.astype("timedelta64[D]"), NEVER)
    works = (age >= 20) & (age < 61) & dice.chance("works", ordinal, 0.68) & np.isnat(death)
    employer = np.where(works, employers[dice.below("employer", ordinal, len(employers))], -1)
    zeros, ones = np.zeros(count, dtype=np.int64), np.ones(count, dtype=np.int64)
    unchanged = dict.fromkeys(("moved_day", "renamed_day", "marital_day", "died_day", "phone_day", "job_day", "left_day"), zeros)
    return People(
        ordinal=ordinal, sex=sex, county=county, id_division=id_division, birth=birth, sequence=sequences(id_division, birth, sex),
        ethnic=dice.pick("ethnic", ordinal, [share for share, _ in lists.names().ethnic.values()]),
        marital=marital, education=_education(dice, ordinal, age), employer=employer, death=death,
        name_version=ones, home_version=ones, phone_version=ones, born_day=zeros + born, **unchanged,
    )  # fmt: skip


def _age_days(dice: Dice, ordinal: Ints) -> Ints:
    brackets = (0.06, 0.11, 0.10, 0.13, 0.16, 0.14, 0.13, 0.09, 0.05, 0.03)  # ten years each
    decade = dice.pick("age", ordinal, brackets)
    return decade * 3652 + dice.below("age in days", ordinal, 3652) + 1


def _id_divisions(dice: Dice, ordinal: Ints, county: Ints, birth: Days) -> Ints:
    """Return the code of the first registration: a former code for most people born before 1994, where the county had one."""
    counties = lists.places().counties
    current = np.array([int(place.code) for place in counties])[county]
    former = np.array([int(place.former[0]) if place.former else int(place.code) for place in counties])[county]
    return np.where((birth < np.datetime64("1994-01-01")) & dice.chance("former code", ordinal, 0.8), former, current)


def _marital(dice: Dice, ordinal: Ints, age: np.ndarray) -> Ints:
    young = dice.pick("marital young", ordinal, (0.6, 0.38, 0.0, 0.02))
    middle = dice.pick("marital middle", ordinal, (0.08, 0.83, 0.02, 0.07))
    old = dice.pick("marital old", ordinal, (0.02, 0.72, 0.22, 0.04))
    return np.where(age < 30, young, np.where(age < 62, middle, old))


def _education(dice: Dice, ordinal: Ints, age: np.ndarray) -> Ints:
    young = dice.pick("education young", ordinal, (0.01, 0.07, 0.38, 0.24, 0.10, 0.14, 0.06, 0.0))
    old = dice.pick("education old", ordinal, (0.002, 0.01, 0.08, 0.10, 0.08, 0.15, 0.33, 0.25))
    grown = np.where(age < 45, young, old)
    return np.where(age < 12, -1, np.where(age < 15, 7, np.where(age < 18, 6, np.where(age < 24, np.maximum(grown, 5), grown))))


def advance(dice: Dice, people: People, employers: Ints, day: int) -> People:
    """Return the people on the next day: one thing at most happens to a person, and children are born."""
    rates = lists.changes().people
    what = dice.kind(f"day {day}", people.ordinal, list(rates.values()))
    living = people.present & np.isnat(people.death)
    kinds = {name: (what == index) & living for index, name in enumerate(rates)}
    grown = people.age(day) >= 22
    wed = kinds["married"] & grown & (people.marital != MARRIED)
    parted = kinds["divorced"] & (people.marital == MARRIED)
    hired = kinds["changed_job"] & (people.employer >= 0)
    moved, renamed, died, phoned, left = (kinds[name] for name in ("moved", "renamed", "died", "changed_phone", "left"))
    phoned = phoned & has_phone(dice, people)
    new_county = dice.pick(f"county {day}", people.ordinal, [county.weight for county in lists.places().counties])
    next_employer = employers[dice.below(f"employer {day}", people.ordinal, len(employers))]
    hired &= next_employer != people.employer
    changed = replace(
        people,
        county=np.where(moved, new_county, people.county),
        home_version=people.home_version + moved,
        moved_day=np.where(moved, day, people.moved_day),
        name_version=people.name_version + renamed,
        renamed_day=np.where(renamed, day, people.renamed_day),
        marital=np.where(wed, MARRIED, np.where(parted, DIVORCED, people.marital)),
        marital_day=np.where(wed | parted, day, people.marital_day),
        death=np.where(died, date_of(day), people.death),
        died_day=np.where(died, day, people.died_day),
        phone_version=people.phone_version + phoned,
        phone_day=np.where(phoned, day, people.phone_day),
        employer=np.where(hired, next_employer, people.employer),
        job_day=np.where(hired, day, people.job_day),
        left_day=np.where(left, day, people.left_day),
    )
    first = int(people.ordinal[-1]) + 1
    babies = make_people(dice, np.arange(first, first + max(1, round(len(people) * lists.changes().births))), employers, born=day)
    return People(**{field.name: np.concatenate([getattr(changed, field.name), getattr(babies, field.name)]) for field in fields(People)})


def names(dice: Dice, people: People) -> Text:
    """Return the names: Han names in two or three characters, names in two parts for some groups."""
    words, keys = lists.names(), people.ordinal + people.name_version * VERSION
    weights = [1.0 / (rank + 4) for rank in range(len(words.surnames))]
    surname = picked(words.surnames, dice.pick("surname", people.ordinal, weights))
    male = picked(words.given_male, dice.below("given male", keys, len(words.given_male)))
    female = picked(words.given_female, dice.below("given female", keys, len(words.given_female)))
    rare = picked(words.rare, dice.below("rare character", people.ordinal, len(words.rare)))
    given = where(dice.chance("rare", people.ordinal, words.rare_share), rare, where(people.sex == 1, male, female))
    dotted = np.isin(people.ethnic, [list(words.ethnic).index(code) for code in words.dotted])
    first = picked(words.first_parts, dice.below("first part", keys, len(words.first_parts)))
    second = picked(words.second_parts, dice.below("second part", people.ordinal, len(words.second_parts)))
    return where(dotted, joined(first, "·", second), joined(surname, given))


def addresses(dice: Dice, keys: Ints, county: Ints) -> Text:
    """Return addresses from province to room."""
    places = lists.places()
    region = places.province + places.prefecture
    front = picked([region + place.name for place in places.counties], county)
    street = picked(places.streets, dice.below("street", keys, len(places.streets)))
    community = picked([*places.communities, *[""] * 8], dice.below("community", keys, len(places.communities) + 8))
    rooms = dice.below("room", keys, 24)
    building, unit = plain(1 + dice.below("building", keys, 20)), plain(1 + dice.below("unit", keys, 4))
    house = joined(street, plain(1 + dice.below("number", keys, 300)), "号", community, building, "幢")
    return joined(front, house, unit, "单元", plain((1 + rooms // 2) * 100 + 1 + rooms % 2), "室")


def homes(dice: Dice, people: People) -> Text:
    """Return where people live."""
    return addresses(dice, people.ordinal + people.home_version * VERSION, people.county)


def former_homes(dice: Dice, people: People) -> Text:
    """Return where people lived before the story began: what a stale record still says."""
    county = dice.pick("former county", people.ordinal, [place.weight for place in lists.places().counties])
    return addresses(dice, people.ordinal, county)


def households(dice: Dice, people: People) -> tuple[Ints, Text]:
    """Return county and address of the household register: the home of seven in ten, else a place that does not change."""
    at_home = dice.chance("household at home", people.ordinal, 0.7)
    elsewhere = dice.pick("household county", people.ordinal, [place.weight for place in lists.places().counties])
    county = np.where(at_home, people.county, elsewhere)
    return county, where(at_home, homes(dice, people), addresses(dice, people.ordinal + 999 * VERSION, elsewhere))


def has_phone(dice: Dice, people: People) -> Flags:
    """Tell who has a telephone of their own."""
    return (people.age(1) >= 12) & dice.chance("has phone", people.ordinal, 0.95)


def phones(dice: Dice, people: People, version: Ints) -> Text:
    """Return mobile numbers."""
    prefixes, keys = lists.places().mobile_prefixes, people.ordinal + version * VERSION
    return joined(picked(prefixes, dice.below("mobile prefix", keys, len(prefixes))), digits(dice.below("mobile", keys, 10**8), 8))


def ids(people: People) -> Text:
    """Return the resident identity numbers."""
    return resident_ids(people.id_division, people.birth, people.sequence)


def render(dice: Dice, people: People, employer_names: Text) -> pa.Table:
    """Return the truth: one row per person on record, columns named by data element, standard values."""
    county, household = households(dice, people)
    codes = [place.code for place in lists.places().counties]
    return pa.table(
        {
            "resident_id": ids(people),
            "person_name": names(dice, people),
            "sex_code": plain(people.sex),
            "ethnic_group_code": picked(list(lists.names().ethnic), people.ethnic),
            "birth_date": dates(people.birth),
            "marital_status_code": picked(MARITAL_CODES, people.marital),
            "household_division_code": picked(codes, county),
            "household_address": household,
            "residence_address": homes(dice, people),
            "phone_number": where(has_phone(dice, people), phones(dice, people, people.phone_version), None),
            "education_code": picked(EDUCATION_CODES, people.education),
            "employer_name": employer_names.take(pa.array(people.employer, mask=people.employer < 0)),
            "death_date": dates(people.death),
        }
    ).filter(pc.fill_null(pa.array(people.present), False))
