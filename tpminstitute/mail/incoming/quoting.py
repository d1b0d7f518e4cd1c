"""How mail programs write that what follows was written by somebody else, or is a signature.

Each function looks at a few lines and at no more than a few hundred characters of each.
"""

import re

_LOOK = 400
_MOST_LINES = 4

_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|schrieben|hat geschrieben|geschrieben hat|a écrit|écrit|escribió|escribio|escribía"
    r"|ha scritto|escreveu|schreef|skrev|skrev den|pisze|napisała?|napsal|napsala|kirjoitti|yazdı|пишет|писал|написал"
    r"|написала|пише|написав|scrie|a scris|έγραψε|írta|wrote ----)\b[^\n]{0,120}?[:：]?\s*-{0,4}$"
    r"|(?:写道|寫道|のメール|님이 작성|さんは書きました)\s*[:：]\s*$",
    re.I,
)
_DATED = re.compile(
    r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.h]\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\d{4}年"
    r"|<?[^\s<>@]{1,64}@[^\s<>@]{1,250}>?"
)
_DATE_AND_ADDRESS = re.compile(
    r"\d{4}[-/年]\s?\d{1,2}[-/月]\s?\d{1,2}.{0,80}<[^<>\s]{3,254}>\s{0,4}[:：]\s*$"
    r"|\* .{0,80}<[^<>\s]{3,254}> \[\d{4}-\d\d-\d\d.{0,20}\]:\s*$"
)
_THEN_TEXT = re.compile(r"\s{0,12}On .{6,120}<[^<>\s]{3,254}> wrote:\s+\S")
_STARTS = re.compile(
    r"(?:-{2,5} ?)?(?:On|Am|Le|El|Il|Em|No dia|Op|W dniu|Den|Dne|På|Data|Pe|Në|Στις|Dana|\d{4}[-/年]|\d{1,2}[./ ]|в|В|"
    r"пн|вт|ср|чт|пт|сб|вс|lun|mar|mer|jeu|ven|sam|dim)\b",
    re.I,
)
_ORIGINAL = re.compile(
    r"\s{0,4}[-_*=]{3,}\s?(?:original message|original appointment|ursprüngliche nachricht|originalnachricht"
    r"|original-nachricht|message d['’]origine|message original|mensaje original|messaggio originale"
    r"|mensagem original|oorspronkelijk bericht|ursprungligt meddelande|oprindelig meddelelse|opprinnelig melding"
    r"|wiadomość oryginalna|původní zpráva|исходное сообщение|forwarded message|weitergeleitete nachricht"
    r"|message transféré|mensaje reenviado|messaggio inoltrato|reply message|原始邮件|original mail"
    r"|ursprüngliche e-mail|reply above this line)\s?[-_*=]{0,}\s*",
    re.I,
)
_FORWARDED = re.compile(
    r"(?:begin forwarded message|anfang der weitergeleiteten (?:nachricht|e-mail)|début du message (?:transféré"
    r"|réexpédié)"
    r"|inicio del mensaje reenviado)\s?:\s*",
    re.I,
)
_RULE = re.compile(r"\s{0,4}[_\-—]{10,}\s*")
_FROM = re.compile(
    r"[*\s]{0,4}(?:from|von|de|da|van|od|från|fra|от|desde|发件人|差出人"
    r"|보낸 사람)\s{0,2}[*]?\s?[:：][*]?\s?\S",
    re.I,
)
_SENT = re.compile(
    r"[*\s]{0,4}(?:sent|date|gesendet|datum|envoyé|envoyé le|enviado|enviado el|fecha|inviato|data|verzonden|skickat"
    r"|dato|sendt|отправлено|дата|wysłano|发送时间|送信日時)\s{0,2}[*]?\s?[:：]",
    re.I,
)
_SUBJECT = re.compile(
    r"[*\s]{0,4}(?:subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|тема|temat|主题"
    r"|件名)\s{0,2}[*]?\s?[:：]",
    re.I,
)
_DEVICE = re.compile(
    r"(?:sent (?!.{0,120}\b(?:is|was|has|have|we)\b)(?:from|via|with|using) (?:my |the )?(?:i(?:phone|pad|pod)"
    r"|android|samsung|galaxy|huawei|pixel"
    r"|blackberry"
    r"|windows|mobile|phone|mail|outlook|yahoo|gmail|proton ?mail|aol|nokia|sony|xiaomi|smartphone|tablet|tuta|spark"
    r"|superhuman|bluemail|nine|fairmail|k-9|motorola|verizon|t-mobile|at&t)\b.{0,80}"
    r"|get outlook for (?:ios|android|mac).{0,120}"
    r"|outlook für (?:ios|android) (?:beziehen|herunterladen).{0,120}|holen sie sich outlook für .{0,120}"
    r"|(?:von|mit) (?:meinem|meiner|der|dem) .{0,60}(?:gesendet|geschickt|gesandt)"
    r"|von meinem (?:iphone|ipad) .{0,20}|gesendet (?:von|mit) .{0,100}"
    r"|diese nachricht wurde von meinem android.{0,100}"
    r"|envoyé (?:de(?:puis)?|à partir de) (?:mon|ma|l[’']|outlook|yahoo|proton).{0,80}"
    r"|télécharger outlook pour .{0,100}"
    r"|obtenir outlook pour .{0,100}|enviado (?:desde|do|de|con) (?:mi|meu|el|outlook|yahoo|proton).{0,80}"
    r"|obtener outlook para .{0,100}|inviato (?:da|dal) (?:mio |iphone|ipad|outlook|yahoo|smartphone).{0,60}"
    r"|verzonden (?:vanaf|met|via|vanuit) .{0,60}|skickat från min .{0,40}|sendt fra min .{0,40}"
    r"|wysłane z .{0,60}|отправлено с .{0,60}|yahoo mail: search, organize, conquer.{0,80})\.?",
    re.I,
)


def is_quoted(line: str) -> bool:
    """Return whether `line` begins with the sign of a quotation."""
    return line.startswith(">") or (line[:1] in " \t" and line[:8].lstrip().startswith(">"))


def attribution(lines: list[str], at: int) -> int:
    """Return how many lines from `at` on say who wrote what follows, or 0; they name a date or an address."""
    whole = ""
    for count, line in enumerate(lines[at : at + _MOST_LINES], start=1):
        if not line.strip() or is_quoted(line):
            return 0
        whole = f"{whole} {line.strip()}".strip()[:_LOOK]
        if line.rstrip().endswith((":", "：", "----")):
            begins = count == 1 or _STARTS.match(whole)
            names = _DATE_AND_ADDRESS.match(whole) or (_WROTE.search(whole) and _DATED.search(whole))
            return count if begins and names else 0
        if count == 1 and not _STARTS.match(whole) and "@" not in whole:
            return 0
    return 0


def names_a_writer(line: str) -> bool:
    """Return whether `line`, above a quotation, is no more than "Ada wrote:"."""
    return line.rstrip().endswith((":", "：")) and len(line) < 200 and bool(_WROTE.search(line[:_LOOK]))


def divider(lines: list[str], at: int) -> bool:
    """Return whether an older mail, with nothing before its lines, is quoted from the line `at` on."""
    line = lines[at][:_LOOK]
    if _ORIGINAL.fullmatch(line) or _FORWARDED.fullmatch(line) or _THEN_TEXT.match(line):
        return True
    if _RULE.fullmatch(line):
        after = next((number for number in range(at + 1, min(at + 3, len(lines))) if lines[number].strip()), -1)
        return after > 0 and _header_block(lines, after)
    return _header_block(lines, at)


def _header_block(lines: list[str], at: int) -> bool:
    first = lines[at][:_LOOK]
    if not (_FROM.match(first) or _SENT.match(first)):
        return False
    near = [line[:_LOOK] for line in lines[at : at + 12] if line.strip()][:8]
    return all(any(map(field.match, near)) for field in (_FROM, _SENT, _SUBJECT))


def is_device(line: str) -> bool:
    """Return whether `line` is one that phones and mail programs add by themselves."""
    return len(line) < 250 and bool(_DEVICE.fullmatch(line.strip(" *_-")))
