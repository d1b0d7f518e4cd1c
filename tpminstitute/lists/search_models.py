"""The search index: a row a person, a row a text, each word with how often it stands there, and what changed since.

None of these refers to the rows it was made from: what is deleted there is taken out here when its change is read
(`search_index.settle`), and until then the search looks at the change itself.
"""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from tpminstitute.core.db import Base, enum_type

BY_BYTES = Text().with_variant(Text(collation="C"), "postgresql")
"""A text whose order is that of its bytes, so that what begins alike lies together whatever the database's language."""

WORDS = Text().with_variant(TSVECTOR(), "postgresql")
"""The folded words of a document in their order; SQLite has them in an FTS5 table as well, kept by triggers."""


class Source(StrEnum):
    """What a document was made from; its id is that of the row there, of the contact for `PERSON`."""

    PERSON = "person"
    INQUIRY = "inquiry"
    RECEIVED = "received"
    REPLY = "reply"
    NOTE = "note"
    CALL = "call"


class SearchPerson(Base):
    """Who a contact is: name, addresses, phone numbers, tags, reference. `name_key` is the folded name."""

    __tablename__ = "search_people"
    __table_args__ = (
        Index("ix_search_people_name_key", "name_key", "contact_id"),
        Index("ix_search_people_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql"),
    )

    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name_key: Mapped[str] = mapped_column(BY_BYTES)
    words: Mapped[str] = mapped_column(WORDS)


class SearchText(Base):
    """What somebody wrote or said, with whose it is; a higher id is a newer text."""

    __tablename__ = "search_texts"
    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index("ix_search_texts_contact_id", "contact_id"),
        Index("ix_search_texts_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int]
    source: Mapped[Source] = mapped_column(enum_type(Source))
    source_id: Mapped[int]
    words: Mapped[str] = mapped_column(WORDS)


class SearchWord(Base):
    """A word, and in how many people's rows and in how many texts it stands."""

    __tablename__ = "search_words"
    __table_args__ = (CheckConstraint("people >= 0 AND texts >= 0", name="counts_not_negative"),)

    word: Mapped[str] = mapped_column(BY_BYTES, primary_key=True)
    people: Mapped[int]
    texts: Mapped[int]


class SearchNear(Base):
    """A word by what is left of it without one of its letters, as a checksum: near words have one in common."""

    __tablename__ = "search_nears"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012

    key: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    word: Mapped[str] = mapped_column(BY_BYTES, primary_key=True)


class SearchChange(Base):
    """A row that the index has yet to read: written by triggers in the transaction that changed it."""

    __tablename__ = "search_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[Source] = mapped_column(enum_type(Source))
    source_id: Mapped[int]
