"""Alembic's environment: runs migrations on the connection that the service hands over."""

from alembic import context

import tpminstitute.accounts.factor_models
import tpminstitute.accounts.models
import tpminstitute.comments.models
import tpminstitute.contacts.models
import tpminstitute.core.heartbeat
import tpminstitute.core.once
import tpminstitute.courses.models
import tpminstitute.exchange.models
import tpminstitute.inbox.models
import tpminstitute.inbox.wait_models
import tpminstitute.institute.models
import tpminstitute.lists.models
import tpminstitute.lists.search_models
import tpminstitute.mail.models
import tpminstitute.merging.models
import tpminstitute.pathway.models
import tpminstitute.pipeline.models
import tpminstitute.privacy.models
import tpminstitute.sequences.models
import tpminstitute.timeline.models
import tpminstitute.today.models  # noqa: F401
from tpminstitute.core.db import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
