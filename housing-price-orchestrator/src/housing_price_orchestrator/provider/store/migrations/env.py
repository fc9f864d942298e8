"""Alembic environment: runs the migrations on the given connection, inside its transaction."""

from alembic import context

from housing_price_orchestrator.provider.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
