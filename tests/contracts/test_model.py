from contracts.model import Contract, ElementSource
from tests.contracts.examples import RESIDENT, changed


def test_elements_know_their_column_formats_and_lookup():
    contract = Contract.model_validate(RESIDENT)
    assert contract.elements["birth_date"] == ElementSource(column="CSRQ", formats=("%Y%m%d",))
    assert contract.elements["sex_code"] == ElementSource(column="XB", lookup={"M": "1", "F": "2"})


def test_one_column_may_feed_several_elements():
    contract = Contract.model_validate(changed("columns.XM", ["person_name", "employer_name"]))
    assert contract.elements["person_name"].column == contract.elements["employer_name"].column == "XM"


def test_columns_that_must_exist_are_the_mapped_ones_the_key_and_the_as_of_date():
    contract = Contract.model_validate(changed("record_key", ["BH", "SFZH"]))
    assert contract.source_columns == ("SFZH", "XM", "CSRQ", "XB", "BH", "GXSJ")
    assert Contract.model_validate(changed("record_key", "*")).source_columns == ("SFZH", "XM", "CSRQ", "XB", "GXSJ")


def test_everything_is_read_but_what_is_ignored_and_needed_for_nothing():
    contract = Contract.model_validate(changed("record_key", ["BZ"]))
    assert contract.is_read("BZ")
    assert contract.is_read("SOMETHING_NEW")
    assert not Contract.model_validate(RESIDENT).is_read("BZ")


def test_short_and_long_forms_have_one_digest():
    long = changed("columns.SFZH", [{"element": "resident_id", "formats": [], "lookup": {}}])
    assert Contract.model_validate(long).digest == Contract.model_validate(RESIDENT).digest


def test_attributes_that_came_later_change_no_digest_until_they_are_given():
    given = Contract.model_validate(changed("columns.XB", {"element": "sex_code", "lookup": {"M": "1", "F": "2"}, "written_in": "x"}))
    assert given.elements["sex_code"].written_in == "x"
    assert given.digest != Contract.model_validate(RESIDENT).digest
    assert Contract.model_validate(RESIDENT).digest == "7deb2d694e6b8b5d4277dab787e346a14531fad5bdc38583daaa1b26d002da52"


def test_the_order_of_columns_is_part_of_the_digest():
    turned = changed("columns", dict(reversed(RESIDENT["columns"].items())))
    assert Contract.model_validate(turned).digest != Contract.model_validate(RESIDENT).digest


def test_a_contract_survives_storage_as_json():
    contract = Contract.model_validate(RESIDENT)
    again = Contract.model_validate_json(contract.model_dump_json(by_alias=True))
    assert again == contract
    assert again.digest == contract.digest
