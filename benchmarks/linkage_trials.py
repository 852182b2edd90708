"""What linkage is tried on: records whose truth is known, as SQL over published files, and how surely pairs have to be right.

Every trial gives `_dataset`, `_truth` and the elements of its model (`linkage_models/*.yml`, or a registry's own). The truth is only for the
count; what would give it away (the social security number) is no element.
"""

from dataclasses import dataclass
from pathlib import Path

from registries.linkage.model import FOLDER as REGISTRIES

MODELS = Path(__file__).with_name("linkage_models")

FEBRL = ("given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth")


@dataclass(frozen=True)
class Trial:
    """Records, the model for them, and the aims that were set (0: none). `across`: only pairs of two datasets are counted."""

    id: str
    title: str
    model: Path
    records: str
    across: bool
    least_precision: float = 0.0
    least_recall: float = 0.0


def _people(data: Path) -> str:
    """Four agencies with their own forms of a date; a tax form has no date of birth and no sex, but a mailing address."""
    names = ("census_2020", "social_security_to_2020", "w2_1099_2020", "wic_2020")
    census, social_security, tax, wic = (f"read_parquet('{data}/person_linkage/pseudopeople_{name}.parquet')" for name in names)
    whole, initial = (
        "simulant_id AS _truth, first_name, middle_name, last_name",
        "simulant_id AS _truth, first_name, middle_initial AS middle_name, last_name",
    )
    address = "street_number, street_name, unit_number"
    mailed = (
        "mailing_address_street_number AS street_number, mailing_address_unit_number AS unit_number, "
        "coalesce(mailing_address_street_name, 'po box ' || mailing_address_po_box) AS street_name"
    )
    born = "date_of_birth[{}] || date_of_birth[{}] || date_of_birth[{}] AS birth"
    return " UNION ALL BY NAME ".join(
        (
            f"SELECT 'census' AS _dataset, {initial}, {born.format('7:10', '1:2', '4:5')}, {address}, sex FROM {census}",
            f"SELECT 'social_security' AS _dataset, {whole}, date_of_birth AS birth, sex FROM {social_security}",
            f"SELECT 'tax' AS _dataset, {initial}, {mailed} FROM {tax}",
            f"SELECT 'wic' AS _dataset, {initial}, {born.format('5:8', '1:2', '3:4')}, {address}, sex FROM {wic}",
        )
    )


def _historical(data: Path) -> str:
    """All parts that are there: others than the one here may be kept apart, for whoever tries this on records that it was not made with."""
    return (
        "SELECT 'historical' AS _dataset, cluster AS _truth, full_name, first_name, surname, dob AS birth, birth_place, postcode_fake AS postcode, "
        f"gender, occupation FROM read_parquet('{data}/person_linkage/historical_figures_*.parquet')"
    )


def _febrl(data: Path, number: int) -> str:
    """Cells and titles begin with a blank; an empty one is missing."""
    names = ["rec_id", *FEBRL, "soc_sec_id"]
    cells = ", ".join(f"nullif(trim({name}), '') AS {name}" for name in FEBRL)
    return (
        f"SELECT 'febrl' AS _dataset, regexp_extract(rec_id, 'rec-([0-9]+)', 1) AS _truth, {cells} "
        f"FROM read_csv('{data}/person_linkage/febrl_dataset{number}.csv.gz', all_varchar = true, header = true, names = {names})"
    )


def _fake(data: Path) -> str:
    return (
        "SELECT 'fake' AS _dataset, cluster AS _truth, first_name, surname, dob AS birth, city, email "
        f"FROM read_csv('{data}/person_linkage/splink_fake_1000.csv.gz', all_varchar = true, header = true)"
    )


def _organizations(data: Path) -> str:
    return (
        "SELECT source AS _dataset, uscc AS _truth, uscc AS unified_social_credit_code, name AS organization_name "
        f"FROM read_csv('{data}/cn_linkage/organisation_mentions.csv.gz', all_varchar = true, header = true)"
    )


def trials(data: Path) -> list[Trial]:
    """All of them, over the folder of published files."""
    return [
        Trial("pseudopeople", "census, social security, tax and WIC", MODELS / "pseudopeople.yml", _people(data), True, 0.985, 0.93),
        Trial("historical", "historical figures", MODELS / "historical.yml", _historical(data), False),
        Trial("febrl1", "FEBRL 1", MODELS / "febrl.yml", _febrl(data, 1), False),
        Trial("febrl2", "FEBRL 2", MODELS / "febrl.yml", _febrl(data, 2), False),
        Trial("fake", "Splink's fake 1000", MODELS / "fake.yml", _fake(data), False),
        Trial("organizations", "organizations by name", REGISTRIES / "legal_entity.yml", _organizations(data), True, 0.97, 0.85),
    ]
