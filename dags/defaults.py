"""What all DAGs have in common: names, pools, time limits, retries. Light: the launcher and tests read it without Airflow."""

from datetime import timedelta

from core.settings import Settings
from dags.registered import read_registered

# Departments are spread over this many DAG files (`collect_<n>.py`): one file with thousands of DAGs would take a minute to parse.
SHARDS = 4
TIMEZONE = "Asia/Shanghai"
OWNER = "govhub"
COLLECT_TAG, PUBLISH_TAG, HOUSEKEEPING_TAG = "collect", "publish", "housekeeping"
# What runs by the clock whatever is registered: stage → cron, Beijing time.
HOUSEKEEPING = {"watch": "*/10 * * * *", "purge": "40 4 * * *"}
# When registries are published whatever has arrived, Beijing time: after most datasets are collected, before people look.
PUBLISH_CRON = "40 5 * * *"
HOUSEKEEPING_LIMIT = timedelta(hours=1)
HOUSEKEEPING_PRIORITY = 1

# A source is read by one task at a time, whatever its datasets are: its pool has the name that stands in the contract.
SOURCE_SLOTS = 1
# Standardizing and validating is work for the processor, not for the source, so these tasks share a pool of their own.
ACCEPT_POOL = "accept"
PUBLISH_POOL = "publish"
PUBLISH_SLOTS = 2

# A source that hangs gives its place back after this long; contracts limit single statements far below it.
LAND_LIMIT = timedelta(hours=2)
STAGE_LIMIT = timedelta(hours=4)
LONGEST_RETRY_DELAY = timedelta(hours=1)
BACK_OFF = 2.0
PUBLISH_RETRIES = 4
PUBLISH_RETRY_DELAY = timedelta(seconds=15)

# When places are short, what is nearer to publication goes first: a row of departments that are down must not hold it back.
LAND_PRIORITY, ACCEPT_PRIORITY, PUBLISH_PRIORITY = 1, 10, 100


def collect_id(dataset_id: str) -> str:
    """Return the id of the DAG that collects a dataset, `collect__<department>__<dataset>`."""
    return f"collect__{dataset_id}"


def publish_id(registry: str) -> str:
    """Return the id of the DAG that publishes a base registry."""
    return f"publish__{registry}"


def housekeeping_id(stage: str) -> str:
    """Return the id of the DAG of one of the hub's own chores."""
    return f"{stage}__hub"


def asset_name(dataset_id: str) -> str:
    """Return the name of the asset that is new whenever a batch of the dataset has been accepted."""
    return f"std/{dataset_id}"


def pool_slots(settings: Settings) -> dict[str, int]:
    """Return every pool the DAGs name, with its slots."""
    sources = {dataset.pool: SOURCE_SLOTS for dataset in read_registered(settings.registered)}
    return {**sources, ACCEPT_POOL: max(2, settings.threads), PUBLISH_POOL: PUBLISH_SLOTS}
