"""The wish to get no more mail, written in a mail.

It counts only where the new words, or the subject of a mail without any, are nothing else: a person who adds a question
wants an answer, and what stands in quoted text was written by us.
"""

import re

_WORDS_LIMIT = 600
_LINES_LIMIT = 12
_ME = (
    r"(?: (?:me|us|my (?:e-?mail|email address|address|name)|this (?:e-?mail(?: address)?|address)"
    r"|[^\s@]{1,64}@[^\s@]{1,250}))?"
)
_FROM_IT = (
    r"(?: (?:from|of|off|to) (?:(?:all|any|further|future|the|this|your|these|those) ){0,3}"
    r"(?:mailing ?lists?|e-?mail lists?|lists?|mailings?|e-?mails?|mails?|newsletters?|messages|emails"
    r"|communications?"
    r"|database|updates|follow-?ups?|marketing))?"
)
_SINCE = r"(?: (?:immediately|now|asap|today|at once|right away|as soon as possible|permanently))?"
_PLEASE = (
    r"(?:(?:please|pls|plz|kindly|can you|could you|would you|i want to|i would like to|i'd like to"
    r"|i wish to) ){0,3}"
)
_WISH = re.compile(
    rf"{_PLEASE}(?:unsubscribe|un-subscribe|opt(?:[ -]|)out|remove|delete|take"
    rf"|sign off){_ME}(?: off)?{_FROM_IT}{_SINCE}"
    r"(?: please| pls)?"
    rf"|{_PLEASE}(?:to )?be (?:unsubscribed|removed){_FROM_IT}{_SINCE}"
    r"|stop(?: please| now)?|stop all|please stop|end|quit|no more (?:e-?mails?|mails?|messages)(?: please)?"
    rf"|{_PLEASE}(?:stop|cease|quit|do not|don't) (?:sending|send|writing|write|e-?mailing|e-?mail|mailing"
    rf"|contacting|contact)"
    r"(?: to)?(?: (?:me|us))?(?: (?:any ?more|any|further|more|these|your|such|all))?"
    r"(?: (?:e-?mails?|mails?|messages|newsletters?|stuff))?"
    r"(?: (?:any ?more|again|ever again))?"
    rf"|{_PLEASE}cancel (?:my |the )?subscription|unsubscribe request|request to unsubscribe|list-?unsubscribe"
    # German
    r"|(?:bitte )?(?:abmelden|abbestellen|austragen|löschen|entfernen|newsletter (?:abbestellen|abmelden)"
    r"|abmeldung)(?: bitte)?"
    r"|(?:bitte )?(?:melden sie|tragen sie|nehmen sie|meldet|nehmt|streichen sie|entfernen sie|löschen sie) (?:mich"
    r"|uns|meine (?:adresse|e-?mail-?adresse))"
    r"(?: bitte)?(?: (?:aus|von) (?:dem|der|ihrem|ihrer|eurem|eurer|diesem) (?:verteiler|newsletter|liste"
    r"|mailingliste|datenbank))?"
    r"(?: (?:ab|aus|heraus|raus))?"
    r"|(?:bitte )?keine (?:weiteren )?(?:e-?mails?|mails?|nachrichten)(?: mehr)?(?: senden| schicken)?"
    r"|ich möchte (?:mich )?(?:abmelden|keine (?:weiteren )?(?:e-?mails?|mails?|nachrichten) mehr(?: (?:erhalten"
    r"|bekommen))?)"
    # French
    r"|désinscription|désabonnement|se désinscrire|désabonner|désinscrire|(?:merci de "
    r"|veuillez )?(?:me )?(?:désinscrire|désabonner|retirer)"
    r"(?: (?:de|de la|de votre|de vos|de cette) (?:liste|newsletter|listes|liste de diffusion|mailing list))?"
    r"|(?:désinscrivez|désabonnez|retirez|supprimez|enlevez)-moi(?: de (?:la|votre|vos|cette) (?:listes?|newsletter"
    r"|liste de diffusion))?"
    r"(?: s'il vous plaît| svp)?"
    # Spanish
    r"|(?:por favor )?(?:dar(?:me)? de baja|darse de baja|den?me de baja|baja|cancelar (?:la |mi )?suscripción"
    r"|desuscribir(?:me)?)"
    r"(?: por favor)?(?: de (?:la|esta|su) lista(?: de correo)?)?"
    r"|no (?:me )?(?:envíen|enviar|manden) más (?:correos|mensajes|e-?mails)(?: por favor)?",
    re.I,
)
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|to whom it may concern|hallo|guten tag"
    r"|sehr geehrte[rn]?"
    r"|liebe[rs]?|bonjour|madame|monsieur|cher|chère|hola|estimad[oa]s?|buenos días)\b.{0,50}",
    re.I,
)
_CLOSING = re.compile(
    r"(?:many |best |kind |warm )?(?:thanks|thank you|thx|regards|best|cheers|sincerely|greetings|wishes|danke"
    r"|vielen dank"
    r"|mfg|mit freundlichen grüßen|freundliche grüße|viele grüße|gruß|lg|vg|merci|cordialement|bien à vous|gracias"
    r"|saludos"
    r"|un saludo|atentamente)\b.{0,30}",
    re.I,
)
_BY_PROGRAM = re.compile(
    r"this (?:message|e-?mail) was (?:automatically )?(?:generated|sent) (?:automatically )?by .{0,60}"
    r"|this is an auto(?:matic|mated) (?:unsubscribe|request).{0,80}|sent by (?:apple mail|outlook|gmail).{0,40}",
    re.I,
)
_POLITE = re.compile(r"please|pls|thanks?|bitte|s'il vous plaît|svp|por favor|gracias|merci|danke", re.I)
_BETWEEN = re.compile(r"[.!?;,:]+(?=\s|$)")
_EDGES = " \t*_\"'“”„«»()[]<>-–—…¡¿👍🙏"


def wants_no_more(subject: str, words: str) -> bool:
    """Return whether a mail is nothing but the wish to get no more: in its new words, or in its subject without any."""
    text = words.strip()
    if len(text) > _WORDS_LIMIT or text.count("\n") > _LINES_LIMIT:
        return False
    said = _substance(text)
    if not said:
        return _is_wish(_tidied(subject))
    return all(_is_wish(sentence) for sentence in said)


def _substance(text: str) -> list[str]:
    """Return the sentences of a text without its greeting, its closing, and what stands below that."""
    said: list[str] = []
    lines = [line for line in map(_tidied, text.split("\n")) if line]
    for number, line in enumerate(lines):
        if _CLOSING.fullmatch(line) and len(lines) - number <= 4:
            break
        if _BY_PROGRAM.fullmatch(line):
            continue
        sentences = [_tidied(sentence) for sentence in _BETWEEN.split(line)]
        said += [s for at, s in enumerate(sentences) if s and not (at == 0 and number == 0 and _is_greeting(s))]
    return [sentence for sentence in said if not (_CLOSING.fullmatch(sentence) or _POLITE.fullmatch(sentence))]


def _is_greeting(sentence: str) -> bool:
    return bool(_GREETING.fullmatch(sentence)) and not _is_wish(sentence) and len(sentence.split()) <= 5


def _is_wish(sentence: str) -> bool:
    return len(sentence) <= 200 and bool(_WISH.fullmatch(sentence))


def _tidied(text: str) -> str:
    return " ".join(text.replace("’", "'").strip(_EDGES + ".,;:!?\n").split())
