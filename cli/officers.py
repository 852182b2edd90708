"""Who may use portal and API under a name of their own."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Json, answer, print_json
from core.errors import RequestError

if TYPE_CHECKING:
    from pipeline.home import Home


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(officers)


def officers(
    add: Annotated[
        str | None, typer.Option("--add", metavar="NAME", help="Give this officer a token of their own; an earlier one is withdrawn.")
    ] = None,
    withdraw: Annotated[
        str | None, typer.Option("--withdraw", metavar="NAME", help="Withdraw this officer's token; it opens nothing from now on.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tokens of officers for portal and API: the audit log and judgements have their names. The address is shown once."""
    from catalog.officers import officer_tokens, withdraw_token
    from core.clock import beijing_text
    from pipeline.home import open_home

    if add is not None and withdraw is not None:
        raise RequestError("a token is given, or one is withdrawn", hint="ask for one after the other")
    home = open_home()
    if add is not None:
        _give(home, add, as_json)
        return
    if withdraw is not None:
        withdraw_token(home.catalog, withdraw, home.settings.actor)
    found = officer_tokens(home.catalog)
    rows = [
        (
            item.name,
            beijing_text(item.given_at),
            item.given_by,
            f"withdrawn {beijing_text(item.withdrawn_at)} by {item.withdrawn_by}" if item.withdrawn_at else "in force",
        )
        for item in found
    ]
    answer(as_json, {"officers": [asdict(item) for item in found]}, ("officer", "since", "given by", "token"), rows)


def _give(home: "Home", name: str, as_json: bool) -> None:
    """Print the address that signs the officer in; it is kept nowhere."""
    from catalog.officers import give_token, new_token
    from portal.security import proof_of, session_value
    from portal.serve import portal_address

    token = new_token()
    give_token(home.catalog, name, proof_of(session_value(token)), home.settings.actor)
    address = portal_address(home.settings, token=token)
    if as_json:
        print_json({"officer": name, "token": token, "address": address})
        return
    print(address)
    print(f"it signs {name} in wherever the portal is reached, and is shown this once: hand it over by a way that nobody else reads")
