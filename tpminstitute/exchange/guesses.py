"""What a column is probably for, by its heading: as other services write it, in the languages of their users."""

import re
import unicodedata
from collections.abc import Sequence

from tpminstitute.exchange.fields import IMPORTED, LABELS, Field

_HEADINGS = {
    Field.NAME: "name; full name; display name; contact name; contact; file as; fn; nom complet; nombre completo; "
    "nome completo; vollständiger name; volledige naam; imię i nazwisko; naam; 氏名; 名前; 姓名; имя и фамилия",
    Field.FIRST_NAME: "first name; firstname; given name; givenname; forename; middle name; middlename; "
    "additional name; vorname; rufname; weitere vornamen; prénom; deuxième prénom; nombre; segundo nombre; "
    "nombre de pila; nome; primeiro nome; nome do meio; secondo nome; voornaam; tweede voornaam; imię; drugie imię; "
    "förnamn; fornavn; etunimi; jméno; prenume; имя; 名",
    Field.LAST_NAME: "last name; lastname; family name; familyname; surname; nachname; familienname; nom de famille; "
    "nom; apellido; apellidos; sobrenome; cognome; achternaam; nazwisko; efternamn; etternavn; efternavn; sukunimi; "
    "příjmení; nume; nume de familie; фамилия; 姓",
    Field.EMAIL: "email; e mail; mail; email address; e mail address; emailaddress; e mail 1 value; email 1; "
    "e mail 1; primary email; work email; email work; contact email; e mail adresse; e mailadresse; email adresse; "
    "mailadresse; adresse e mail; adresse email; adresse mail; adresse de messagerie; adresse électronique; courriel; "
    "correo; correo electrónico; dirección de correo electrónico; dirección de correo; endereço de email; "
    "endereço de e mail; correio eletrônico; correio eletrónico; indirizzo email; indirizzo e mail; "
    "indirizzo di posta elettronica; indirizzo posta elettronica; posta elettronica; e mailadres; emailadres; "
    "adres e mail; adres email; e post; e postadress; epost; sähköposti; e mailová adresa; adresă de e mail; "
    "электронная почта; адрес электронной почты; почта; メール; メールアドレス; 电子邮件; 邮箱; 電子郵件",
    Field.MORE_EMAIL: "further e mail; additional email addresses; additional emails; other email; secondary email; "
    "email 2; email 3; e mail 2; e mail 3; e mail 2 address; e mail 3 address; e mail 2 value; e mail 3 value; "
    "e mail 4 value; e mail 2 adresse; e mail 3 adresse; email secondary; personal email; home email; private e mail",
    Field.PHONE: "phone; phone number; telephone; telephone number; tel; phone 1 value; phone 2 value; mobile; "
    "mobile phone; mobile phone number; mobile number; cell; cell phone; work phone; business phone; home phone; "
    "primary phone; company main phone; business phone 2; other phone; telefon; telefonnummer; telefon geschäftlich; "
    "telefon privat; mobil; mobiltelefon; handy; rufnummer; téléphone; numéro de téléphone; tél mobile; "
    "téléphone mobile; téléphone bureau; téléphone domicile; tél; portable; teléfono; número de teléfono; "
    "teléfono móvil; móvil; celular; telefone; número de telefone; telemóvel; telefone celular; telefono; cellulare; "
    "telefono cellulare; numero di telefono; telefoon; telefoonnummer; mobiele telefoon; numer telefonu; "
    "telefon komórkowy; puhelin; телефон; номер телефона; 電話; 電話番号; 电话; 手机",
    Field.TOPIC: "topic; subject; interest; interested in; course of interest; thema; interesse; sujet; "
    "tema; argomento; onderwerp; temat",
    Field.TAGS: "tags; tag; labels; label; categories; category; group membership; groups; lists; kategorien; "
    "kategorie; gruppen; catégories; étiquettes; categorías; etiquetas; categorias; categorie; etichette; "
    "categorieën; kategorier; etykiety; метки; категории",
    Field.STAGE: "stage; lead stage; pipeline stage; deal stage; lead status; contact status; phase; stufe; "
    "étape; etapa; fase; etap; этап",
    Field.OWNER: "owner; contact owner; lead owner; record owner; hubspot owner; assigned to; assigned user; "
    "assigneduser; assigned user name; assignedusername; advisor; owner email; zuständig; besitzer; verantwortlich; "
    "propriétaire; propietario; proprietário; proprietario; eigenaar; właściciel; ответственный",
    Field.NOTE: "notes; note; description; comments; comment; remarks; remark; notizen; notiz; bemerkungen; bemerkung; "
    "anmerkungen; beschreibung; kommentar; remarques; commentaires; notas; nota; observaciones; observações; "
    "appunti; notities; opmerkingen; notatki; uwagi; anteckningar; noter; заметки; примечания; 備考; 备注",
    Field.FIRST_SEEN: "first seen; create date; created; created at; createdat; created date; created on; createdon; "
    "date created; date added; added; added on; became a lead date; erstellt am; erstellungsdatum; angelegt am; "
    "date de création; créé le; fecha de creación; creado el; data de criação; data creazione; creato il; "
    "aanmaakdatum; data utworzenia; дата создания",
    Field.TIME_ZONE: "time zone; timezone; tz; zeitzone; fuseau horaire; zona horaria; fuso horário; fuso orario; "
    "tijdzone; strefa czasowa; часовой пояс",
    Field.BACKGROUND: "where they stand; background; pathway result",
    Field.OPTED_OUT: "unsubscribed; unsubscribed from all email; opted out; opted out of email; email opt out; "
    "emailaddressisoptedout; email address is opted out; email opted out; has opted out of email; hasoptedoutofemail; "
    "opt out; do not email; abgemeldet; désabonné; dado de baja; descadastrado; disiscritto; uitgeschreven",
    Field.CONSENT_AT: "agreed on; consent date; opt in date; optin time; confirm time; consent given at; opt in time; "
    "einwilligung am; einwilligungsdatum; date de consentement; fecha de consentimiento; toestemmingsdatum",
    Field.CONSENT_WORDING: "agreed to these words; consent wording; consent text; opt in text; einwilligungstext; "
    "texte du consentement",
    Field.CONSENT_SOURCE: "agreed where; consent source; opt in source; optin source; einwilligung quelle; "
    "legal basis for processing contact s data",
}
_PATTERNS = (
    (re.compile(r"e ?mail (?:[2-9]|1\d)\b.*(?:value|address|adresse)$|e ?mail (?:[2-9]|1\d)$"), Field.MORE_EMAIL),
    (re.compile(r"phone (?:[1-9]|1\d) value$"), Field.PHONE),
)
_SINGLE = (Field.EMAIL,)
"""What only the first column of a file is taken for."""


def _normal(heading: str) -> str:
    """Return a heading in small letters without signs: "E-mail 1 - Value" is "e mail 1 value"."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    words = unicodedata.normalize("NFC", spaced).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", words).split())


_KNOWN = {_normal(name): field for field, names in _HEADINGS.items() for name in names.split(";")}
_KNOWN |= {_normal(label): field for field, label in LABELS.items() if field in IMPORTED}
_KNOWN |= {_normal(field.value): field for field in IMPORTED}


def guess(headings: Sequence[str]) -> list[Field | None]:
    """Return what each column is probably for, None for what can't be told.

    A second column of addresses holds further ones. "Name" beside a first name is the family's name, and a "nom" or
    "nome" by itself the whole name.
    """
    found = [_one(heading) for heading in headings]
    for at, field in enumerate(found):
        if field in _SINGLE and field in found[:at]:
            found[at] = Field.MORE_EMAIL
    if Field.FIRST_NAME in found and Field.LAST_NAME not in found and Field.NAME in found:
        found[found.index(Field.NAME)] = Field.LAST_NAME
    only = [field for field in found if field in (Field.NAME, Field.FIRST_NAME, Field.LAST_NAME)]
    if len(only) == 1 and only[0] is not Field.NAME:
        found[found.index(only[0])] = Field.NAME
    if Field.FIRST_NAME in found and Field.LAST_NAME in found:
        found = [None if field is Field.NAME else field for field in found]
    return found


def guess_by_values(samples: Sequence[Sequence[str]], width: int) -> list[Field | None]:
    """Return what the columns of a file without a heading are probably for: the first with addresses, a name before."""
    found: list[Field | None] = [None] * width
    for column in range(width):
        values = [row[column].strip() for row in samples if column < len(row) and row[column].strip()]
        if not values:
            continue
        if all("@" in value for value in values):
            found[column] = Field.MORE_EMAIL if Field.EMAIL in found else Field.EMAIL
        elif all(sum(c.isdigit() for c in value) >= 7 and set(value) <= set("+0123456789 ()/.-") for value in values):
            found[column] = Field.PHONE
        elif Field.NAME not in found and all(any(c.isalpha() for c in value) for value in values):
            found[column] = Field.NAME
    return found


def _one(heading: str) -> Field | None:
    words = _normal(heading)
    for pattern, field in _PATTERNS:
        if pattern.search(words):
            return field
    return _KNOWN.get(words) or _KNOWN.get(words.replace(" ", ""))
