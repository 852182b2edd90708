"""Why a person lets something pass: it is kept with what was let pass."""

from core.errors import RequestError


def reason_given(reason: str | None, option: str = "--accept-shrink") -> str:
    """Why something may pass, empty where nobody says that it may. Raises RequestError for a decision without a reason."""
    if reason is not None and not reason.strip():
        raise RequestError(f"{option} needs a reason", hint=f'for example {option} "district moved to another city"')
    return (reason or "").strip()
