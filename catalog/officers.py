"""Officers: people with a token of their own for portal and API, by whose name (`officer:张敏`) the audit log and judgements know them."""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from catalog.tables import officer_token
from core.clock import now
from core.database import reading, writing
from core.errors import RequestError

LONGEST_NAME = 60
_NAME = re.compile(r"[^\W_][\w.@·-]*(?: [\w.@·-]+)*")
_TRIES = 5  # of giving a token while others give one to the same officer


@dataclass(frozen=True)
class OfficerToken:
    """That an officer was given a token; it opens until `withdrawn_at`. Times are UTC."""

    name: str
    given_at: datetime
    given_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None


def new_token() -> str:
    """A token that nobody has yet."""
    return secrets.token_urlsafe(32)


def give_token(catalog: sa.Engine, name: str, proof: str, actor: str) -> None:
    """Give an officer a token, of which only a digest (`proof`) is kept; one that the officer had is withdrawn.

    Raises RequestError for a name that nobody could tell from another one.
    """
    name = as_kept(name)
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name) or any("FILLER" in unicodedata.name(mark, "") for mark in name):
        raise RequestError(
            f"an officer's name has 1 to {LONGEST_NAME} letters, digits, or . - _ @ · between them",
            hint="./hub officers --add 张敏",
        )
    for last in range(_TRIES - 1, -1, -1):
        try:
            with writing(catalog) as connection:
                _withdraw(connection, name, actor)
                connection.execute(officer_token.insert().values(proof=proof, name=name, given_at=now(), given_by=actor))
            return
        except sa.exc.IntegrityError:  # one token of an officer is in force: another process gave one in between
            if not last:
                raise


def as_kept(name: str) -> str:
    """A name as it is kept: letters of full width are the same letters."""
    return unicodedata.normalize("NFKC", name)


def withdraw_token(catalog: sa.Engine, name: str, actor: str) -> None:
    """Withdraw an officer's token: it opens nothing from now on. Raises RequestError where there is none in force."""
    with writing(catalog) as connection:
        if not _withdraw(connection, as_kept(name), actor):
            raise RequestError(f"{name} has no token in force", hint="./hub officers lists who has one")


def _withdraw(connection: sa.Connection, name: str, actor: str) -> int:
    in_force = (officer_token.c.name == name) & officer_token.c.withdrawn_at.is_(None)
    return connection.execute(officer_token.update().where(in_force).values(withdrawn_at=now(), withdrawn_by=actor)).rowcount


def officer_by(catalog: sa.Engine, proof: str) -> str | None:
    """The name of the officer whose token in force has this digest; None where nobody's has."""
    query = sa.select(officer_token.c.name).where(officer_token.c.proof == proof, officer_token.c.withdrawn_at.is_(None))
    with reading(catalog) as connection:
        return connection.execute(query).scalar()


def officer_tokens(catalog: sa.Engine) -> list[OfficerToken]:
    """Every token that was ever given, by name and time."""
    columns = [officer_token.c[name] for name in OfficerToken.__dataclass_fields__]
    with reading(catalog) as connection:
        rows = connection.execute(sa.select(*columns).order_by(officer_token.c.name, officer_token.c.given_at))
        return [OfficerToken(**row._mapping) for row in rows]
