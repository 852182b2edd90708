"""Schedules in words: the usual forms of a cron expression as people say them, any other as it is written."""

import re

from standards.texts import Translate

_NUMBER, _TIME = r"(\d{1,2})", r"(\d{1,2}) (\d{1,2})"
# Which fields are given, and the text that tells it; the fields that are left open are stars.
FORMS = {
    rf"{_TIME} \* \* \*": "schedule.daily",
    rf"{_TIME} \* \* {_NUMBER}": "schedule.weekly",
    rf"{_TIME} {_NUMBER} \* \*": "schedule.monthly",
    rf"{_TIME} {_NUMBER} {_NUMBER} \*": "schedule.yearly",
}
DAYS_OF_WEEK = 7  # cron counts from Sunday, which is 0 and 7


def schedule_words(cron: str, t: Translate) -> str:
    """What a schedule means, in Beijing time."""
    for form, key in FORMS.items():
        if found := re.fullmatch(form, " ".join(cron.split())):
            minute, hour, *days = map(int, found.groups())
            weekday = t(f"weekday.{days[0] % DAYS_OF_WEEK}") if key == "schedule.weekly" else ""
            return t(key, time=f"{hour:02}:{minute:02}", weekday=weekday, days="-".join(map(str, reversed(days))))
    return cron
