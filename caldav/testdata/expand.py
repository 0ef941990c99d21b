"""Expands calendars with an engine that shares no code with awayd's.

Reads a JSON list of {"ics", "from", "to"} (days) and writes one of lists of
[start, end] in Unix seconds; dates and floating times are read in UTC. What
the engine refuses is its message instead of a list.
"""
import datetime
import json
import sys
import warnings

import icalendar
import recurring_ical_events

warnings.simplefilter("ignore")
day = datetime.timedelta(days=1)


def unix(t):
    if not isinstance(t, datetime.datetime):
        t = datetime.datetime(t.year, t.month, t.day)
    if t.tzinfo is None:
        t = t.replace(tzinfo=datetime.timezone.utc)
    return int(t.timestamp())


def expand(case):
    calendar = icalendar.Calendar.from_ical(case["ics"])
    begin = datetime.datetime.strptime(case["from"], "%Y%m%d") - 2 * day
    end = datetime.datetime.strptime(case["to"], "%Y%m%d") + 2 * day
    found = recurring_ical_events.of(calendar).between(begin, end)
    return [[unix(e["DTSTART"].dt), unix(e["DTEND"].dt)] for e in found]


answers = []
for case in json.load(sys.stdin):
    try:
        answers.append(expand(case))
    except Exception as e:  # whatever it is, it is the engine's answer
        answers.append(f"{type(e).__name__}: {e}")
json.dump(answers, sys.stdout)
