"""Contracts to change in one place and hold against the model, the schema and the standards."""

from copy import deepcopy
from typing import Any

RESIDENT: dict[str, Any] = {
    "id": "public_security__resident",
    "title": {"zh": "户籍人口", "en": "Registered residents"},
    "department": {"id": "public_security", "title": {"zh": "公安局", "en": "Public security"}, "contact": "data office"},
    "feeds": ["population"],
    "source": {"kind": "postgresql", "connection": "ps_db", "object": "hj.t_rkxx"},
    "record_key": ["SFZH"],
    "columns": {
        "SFZH": "resident_id",
        "XM": ["person_name"],
        "CSRQ": {"element": "birth_date", "formats": ["%Y%m%d"]},
        "XB": {"element": "sex_code", "lookup": {"M": "1", "F": "2"}},
    },
    "as_of": "GXSJ",
    "ignore": ["BZ"],
    "assertions": {"least_rows": 100, "fill_rates": {"resident_id": 0.9}, "largest_shrink": 0.2, "largest_quarantine": 0.2},
    "schedule": {"cron": "0 2 * * *", "retries": 2, "retry_seconds": 60},
    "reading": {"window": "22:00-06:00", "statement_timeout_seconds": 600, "rows_per_second": None},
    "update_cycle": "daily",
    "sharing": {"class": "conditional", "legal_basis": ""},
    "retention": {"landing_days": 365},
}


def changed(path: str = "", value: Any = None, *, remove: bool = False) -> dict[str, Any]:
    """A resident contract with one key, found by its dotted path, set or removed."""
    document = deepcopy(RESIDENT)
    *parents, last = path.split(".") if path else [""]
    place = document
    for parent in parents:
        place = place[parent]
    if remove:
        del place[last]
    elif path:
        place[last] = value
    return document
