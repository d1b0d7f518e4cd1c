"""Files as people really bring them: whatever can be read is read, and what can't is told by its line."""

import pytest

from tpminstitute.core.errors import Refusal
from tpminstitute.exchange import csv_reading, json_reading, source
from tpminstitute.exchange.encodings import find_encoding
from tpminstitute.exchange.fields import Field
from tpminstitute.exchange.guesses import guess
from tpminstitute.exchange.records import join_many, split_many

ADA = ("Ada Lovelace", "ada@example.org")


@pytest.fixture
def looked_at(tmp_path):
    """`looked_at(content)`: the layout of a file, and all its rows as they are read for an import."""

    def look(content, encoding=None, **chosen):
        file = tmp_path / "brought"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        layout = source.lay_out(file, source.recognise(file), encoding or find_encoding(file), **chosen)
        source.write_readable(file, layout, tmp_path / "readable")
        with (tmp_path / "readable").open("rb") as readable:
            return layout, list(source.rows(readable, layout, layout.begins))

    return look


def cells(rows):
    return [row.cells for row in rows if not row.fault]


PLAIN = "Name,Email\nAda Lovelace,ada@example.org\n"
GRUESSE = "Name;E-Mail\nJörg Groß;joerg@example.org\n"


@pytest.mark.parametrize(
    ("content", "encoding", "delimiter"),
    [
        (PLAIN.encode(), "utf-8", ","),
        (PLAIN.encode("utf-8-sig"), "utf-8", ","),
        (PLAIN.encode("utf-16"), "utf-16", ","),
        (PLAIN.encode("utf-16-be"), "utf-16", ","),
        (PLAIN.replace("\n", "\r\n").encode(), "utf-8", ","),
        (PLAIN.replace("\n", "\r").encode(), "utf-8", ","),
        (PLAIN.replace(",", ";").encode(), "utf-8", ";"),
        (PLAIN.replace(",", "\t").encode(), "utf-8", "\t"),
        (PLAIN.replace(",", "|").encode(), "utf-8", "|"),
        (("sep=;\r\n" + PLAIN.replace(",", ";")).encode(), "utf-8", ";"),
        (PLAIN.replace("Ada", "A\x00da").encode(), "utf-8", ","),
        (PLAIN.rstrip("\n").encode(), "utf-8", ","),
        ((b'"Name","Email"\n"Ada Lovelace","ada@example.org"\n\n,\n'), "utf-8", ","),
    ],
)
def test_a_table_is_read_whatever_program_wrote_it(looked_at, content, encoding, delimiter):
    layout, rows = looked_at(content)
    assert (layout.encoding, layout.delimiter) == (encoding, delimiter)
    assert cells(rows) == [ADA]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_umlauts_come_through_in_every_usual_character_set(looked_at, encoding):
    _, rows = looked_at(GRUESSE.encode(encoding))
    assert cells(rows) == [("Jörg Groß", "joerg@example.org")]


def test_a_person_may_choose_another_character_set(looked_at):
    _, rows = looked_at("Name,Email\nЮлия,julia@example.org\n".encode("cp1251"), encoding="cp1251")
    assert cells(rows) == [("Юлия", "julia@example.org")]


def test_umlauts_far_behind_the_first_rows_still_tell_the_character_set(looked_at):
    many = "Ada,ada@example.org\n" * 60_000
    layout, _ = looked_at(f"Name,Email\n{many}Jörg,joerg@example.org\n".encode("latin-1"))
    assert layout.encoding == "cp1252"


def test_one_broken_letter_in_utf_8_spoils_one_row_and_says_so(looked_at):
    _, rows = looked_at(b"Name,Email\n" + "Jörg,j@x.org\n".encode() * 20 + b"J\xf6,k@x.org\n")
    assert [row.line for row in rows if row.remark == csv_reading.WRONG_LETTERS] == [22]
    assert rows[0].cells == ("Jörg", "j@x.org")


def test_a_quotation_mark_that_is_never_closed_costs_one_row(looked_at):
    _, rows = looked_at('Name,Email\nAda,a@x.org\n"Bob,b@x.org\nEve,e@x.org\n"Zoë, jr",z@x.org\n')
    assert [(row.line, row.fault) for row in rows if row.fault] == [(3, csv_reading.OPEN)]
    assert cells(rows) == [("Ada", "a@x.org"), ("Eve", "e@x.org"), ("Zoë, jr", "z@x.org")]


def test_a_quotation_mark_that_is_open_at_the_end_costs_the_last_row(looked_at):
    _, rows = looked_at('Name,Email\nAda,a@x.org\nBob,"b@x.org')
    assert [(row.line, row.fault) for row in rows if row.fault] == [(3, csv_reading.OPEN)]


def test_a_cell_of_several_lines_is_one_cell_and_the_lines_are_counted(looked_at):
    _, rows = looked_at('Name,Email,Notes\nAda,a@x.org,"one\ntwo\n\nfour"\nBob,b@x.org,\n')
    assert [(row.line, row.cells[2]) for row in rows] == [(2, "one\ntwo\n\nfour"), (6, "")]


def test_quotation_marks_that_are_not_doubled_are_read_and_told(looked_at):
    _, rows = looked_at('Name,Email\n"Ada "the countess" L",a@x.org\nBob 5" x,b@x.org\n')
    assert [row.remark for row in rows] == [csv_reading.ODD, ""]
    assert rows[1].cells == ('Bob 5" x', "b@x.org")


def test_a_short_row_is_filled_up_and_a_long_one_is_told(looked_at):
    _, rows = looked_at("Name,Email,Phone\nAda,a@x.org\nBob,b@x.org,,\nEve,jr,e@x.org,1\n")
    assert cells(rows) == [("Ada", "a@x.org", ""), ("Bob", "b@x.org", "")]
    assert "4 cells where the heading has 3" in rows[2].fault


def test_what_an_export_of_ours_made_inert_is_plain_again(looked_at):
    _, rows = looked_at("Name,Email,Phone\n'=Ada,a@x.org,'+1 215 430 2201\nO'Hara,'b@x.org,''-1\n")
    assert rows[0].cells == ("=Ada", "a@x.org", "+1 215 430 2201")
    assert rows[1].cells == ("O'Hara", "'b@x.org", "'-1")


def test_a_file_without_a_heading_is_known_by_its_values(looked_at):
    layout, rows = looked_at("Ada Lovelace,ada@example.org,+1 215 430 2201\n")
    assert layout.guesses == [Field.NAME, Field.EMAIL, Field.PHONE]
    assert len(rows) == 1


def test_a_thousand_columns_are_read_and_three_thousand_refused(looked_at):
    _, rows = looked_at(",".join(["x"] * 999) + ",Email\n" + "," * 999 + "ada@example.org\n")
    assert len(rows[0].cells) == 1000
    with pytest.raises(Refusal, match="3,000 columns"):
        looked_at(",".join(["x"] * 3000) + "\n")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\r\n", "empty"),
        (b"Name,Email\n", "no row but its heading"),
        (b"PK\x03\x04 rest of a workbook", "save it as “CSV UTF-8”"),
        (b"\xd0\xcf\x11\xe0 old workbook", "old Excel workbook"),
        (b"\x1f\x8b packed", "packed"),
        (b"%PDF-1.7", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (bytes(range(1, 32)) * 50, "isn't a file of text"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(looked_at, content, says):
    with pytest.raises(Refusal, match=says):
        looked_at(content)


# --- headings of other services ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headings", "columns"),
    [
        (
            "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Lead Status,Create Date,"
            "Unsubscribed from all email,Time Zone",
            "-,first_name,last_name,email,phone,owner,stage,first_seen,unsubscribed,time_zone",
        ),
        (
            "firstName,lastName,emailAddress,phoneNumber,createdAt,assignedUserName,description,emailAddressIsOptedOut",
            "first_name,last_name,email,phone,first_seen,owner,notes,unsubscribed",
        ),
        (
            "First Name,Middle Name,Last Name,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Value,"
            "Phone 1 - Value,Notes",
            "first_name,first_name,last_name,tags,-,email,more_email,phone,notes",
        ),
        (
            "Title,First Name,Last Name,Business Phone,Mobile Phone,Categories,E-mail Address,E-mail 2 Address,Notes",
            "-,first_name,last_name,phone,phone,tags,email,more_email,notes",
        ),
        (
            "Vorname,Nachname,E-Mail-Adresse,Telefon (geschäftlich),Notizen,Kategorien",
            "first_name,last_name,email,phone,notes,tags",
        ),
        ("Vorname,Name,E-Mail", "first_name,last_name,email"),
        ("Prénom,Nom,Adresse de messagerie,Tél. mobile,Remarques", "first_name,last_name,email,phone,notes"),
        ("Nombre,Apellidos,Correo electrónico,Teléfono móvil", "first_name,last_name,email,phone"),
        ("Nombre,Correo electrónico", "name,email"),
        ("Nome,Sobrenome,E-mail,Telefone", "first_name,last_name,email,phone"),
        ("Nome,Cognome,Indirizzo posta elettronica,Telefono", "first_name,last_name,email,phone"),
        ("Voornaam,Achternaam,E-mailadres,Telefoon", "first_name,last_name,email,phone"),
        ("Imię,Nazwisko,Adres e-mail,Numer telefonu", "first_name,last_name,email,phone"),
        ("Email Address,First Name,Last Name,OPTIN_TIME,TAGS", "email,first_name,last_name,consent_at,tags"),
        ("email,Email 2,something", "email,more_email,-"),
    ],
)  # fmt: skip
def test_the_headings_of_other_services_are_guessed(headings, columns):
    assert [field.value if field else "-" for field in guess(headings.split(","))] == columns.split(",")


# --- vCards and JSON ---------------------------------------------------------------------------------------

CARDS = (
    "BEGIN:VCARD\nVERSION:4.0\nFN:Ada Lovelace\nEMAIL:second@x.org\nEMAIL;PREF=1:ada@x.org\n"
    "TEL;VALUE=uri:tel:+12154302201\nNOTE:one\\, two\\nthree\nCATEGORIES:a,b\\,c\nEND:VCARD\n"
    "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\n"
    "NOTE;ENCODING=QUOTED-PRINTABLE:a long=\n line\nEMAIL;INTERNET:j@x.org\nPHOTO;ENCODING=BASE64;TYPE=GIF:R0lG\n"
    " broken\n\nEND:VCARD\n"
    "BEGIN:VCARD\nVERSION:3.0\nFN:No end\n"
    "BEGIN:VCARD\nVERSION:3.0\nthis is no line of a card\nFN:Bob\nitem1.EMAIL;type=INTERNET:bob@x.org\nEND:VCARD\n"
)


def test_cards_of_every_version_are_read_and_a_broken_one_costs_itself_only(looked_at):
    _, rows = looked_at(CARDS)
    read = {row.line: [split_many(cell) for cell in row.cells[:5]] for row in rows if not row.fault}
    assert read[1] == [
        ["Ada Lovelace"],
        ["ada@x.org", "second@x.org"],
        ["+12154302201"],
        ["one, two\nthree"],
        ["a", "b,c"],
    ]
    assert read[10][:2] == [["Jörg Müller"], ["j@x.org"]]
    assert [(row.line, row.fault or row.remark) for row in rows if row.fault or row.remark] == [
        (20, "The card has no end (END:VCARD)."),
        (23, "Some lines of the card can't be read, and were left out."),
    ]  # fmt: skip
    assert read[23][:2] == [["Bob"], ["bob@x.org"]]


@pytest.mark.parametrize(
    "said",
    [
        "ENCODING=QUOTED-PRINTABLE",
        "QUOTED-PRINTABLE",
        "encoding=quoted-printable;charset=windows-1252",
        "CHARSET=unknown-8bit;ENCODING=QUOTED-PRINTABLE",
        "CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE",
    ],
)
def test_an_old_cards_quoted_line_is_read_whatever_it_says_of_its_letters(looked_at, said):
    card = f"BEGIN:VCARD\nVERSION:2.1\nN;{said}:M=FCller=\n-Gro=DF;J=F6rg\nEMAIL;INTERNET:j@x.org\nEND:VCARD\n"
    (row,) = cells(looked_at(card)[1])
    assert [split_many(cell) for cell in row[:2]] == [["Jörg Müller-Groß"], ["j@x.org"]]


def test_of_numbered_addresses_the_lowest_number_comes_first_and_an_extension_is_said(looked_at):
    card = (
        "BEGIN:VCARD\nVERSION:4.0\nFN:Ada\nEMAIL:c@x.org\nEMAIL;PREF=50:b@x.org\nEMAIL;PREF=1:a@x.org\n"
        'TEL;VALUE=uri;TYPE="voice,home":tel:+1-215-430-2201;ext=55\nEND:VCARD\n'
    )
    (row,) = cells(looked_at(card)[1])
    assert [split_many(cell) for cell in row[1:3]] == [["a@x.org", "b@x.org", "c@x.org"], ["+1-215-430-2201 ext. 55"]]


@pytest.mark.parametrize(
    "content",
    [
        '[{"email": "a@x.org", "tags": ["x", "y"]}, {"email": "b@x.org"}]',
        '[\n  {\n    "email": "a@x.org",\n    "tags": ["x", "y"]\n  },\n  {"email": "b@x.org", "tags": null}\n]\n',
        '{"email": "a@x.org", "tags": ["x", "y"]}\n{"email": "b@x.org"}\n',
    ],
)
def test_json_is_read_as_a_list_and_line_by_line(looked_at, content):
    layout, rows = looked_at(content)
    assert layout.headings == ("email", "tags")
    assert [[split_many(cell) for cell in row.cells] for row in rows] == [[["a@x.org"], ["x", "y"]], [["b@x.org"], []]]


def test_a_broken_object_costs_its_line_only(looked_at):
    _, rows = looked_at('{"email": "a@x.org"}\n{"email": tru}\n{"email": "b@x.org"}\n')
    assert [(row.line, row.fault) for row in rows if row.fault] == [(2, json_reading.FAULT)]
    assert cells(rows) == [("a@x.org",), ("b@x.org",)]


def test_several_values_of_a_cell_come_apart_as_they_were_put_together():
    values = ["plain", "with, comma", 'with "quotes"', "semi;colon"]
    assert split_many(join_many(values)) == values
    assert split_many("a; b,c | d") == ["a", "b", "c", "d"]
