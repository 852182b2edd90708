"""Alembic environment of one of the hub's databases; the address comes from the caller, never from a file."""

from alembic import context

from core.database import open_database

with open_database(context.config.attributes["url"]).connect() as connection:
    # One transaction for all revisions, on SQLite too: of two processes at once the second then finds the work done.
    context.configure(connection=connection, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
