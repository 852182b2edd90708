"""The record of a running Airflow, `HUB_HOME/airflow/processes.json`: who started it, its port, and its processes."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from core.settings import Settings
from deploy.environment import airflow_folder, write_private
from deploy.processes import Recorded


class Record(BaseModel):
    """One run of Airflow. `owner` is the command that started it; `processes` begins with the launcher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: int
    owner: Recorded
    processes: tuple[Recorded, ...]


def record_path(settings: Settings) -> Path:
    """Where the record is kept."""
    return airflow_folder(settings) / "processes.json"


def load_record(settings: Settings) -> Record | None:
    """Return the record, or None if there is none or it cannot be read."""
    try:
        return Record.model_validate_json(record_path(settings).read_text())
    except (FileNotFoundError, ValidationError):
        return None


def save_record(settings: Settings, record: Record) -> None:
    """Replace the record."""
    write_private(record_path(settings), record.model_dump_json(indent=1))


def add_process(settings: Settings, process: Recorded) -> None:
    """Put a component beside the others, in place of an earlier one of the same name. Without a record there is nothing to add to."""
    if record := load_record(settings):
        others = tuple(entry for entry in record.processes if entry.name != process.name)
        save_record(settings, record.model_copy(update={"processes": (*others, process)}))
