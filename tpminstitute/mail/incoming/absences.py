"""Out-of-office mails: whether a text says that somebody is away."""

import re

_TEXT_LIMIT = 3_000
_AWAY = re.compile(
    r"\b(?:out[ -]of[ -](?:the[ -])?office(?! hours)|away from (?:the|my) (?:office|desk|e-?mail|mail|computer)"
    r"|out of town|out on (?:\w+ )?leave"
    r"|on (?:\w+ ){0,2}(?:leave|vacation|holidays?|pto|sabbatical)|(?:i am|i'm|i’m|i will be|i'll be"
    r"|i’ll be) (?:currently |presently )?(?:away|out|travell?ing|off|on a business trip|unavailable)"
    r"|not (?:be )?(?:in|at) (?:the|my) office|(?:back|return\w*) (?:in|to) (?:the|my) office|ooo until"
    r"|annual leave|no longer (?:with|work\w* (?:at|for)))"
    r"|\b(?:abwesend|nicht im (?:büro|haus)|nicht am arbeitsplatz|außer haus|ausser haus|im urlaub|in (?:elternzeit"
    r"|mutterschutz)|auf (?:dienst|geschäfts)reise|nicht erreichbar|wieder (?:im büro|erreichbar|für sie da|da"
    r"|zurück)|urlaub bis|abwesenheit)"
    r"|\b(?:absente?|absence|en congés?|en vacances|en déplacement|de retour (?:au bureau|le)|hors du bureau"
    r"|congé (?:maternité|parental|annuel))\b"
    r"|\b(?:fuera de (?:la|mi) oficina|de vacaciones|ausente|de viaje|de baja (?:por|médica|maternal)|de permiso"
    r"|estaré (?:fuera|ausente)|regres(?:o|aré)|vuelvo)\b"
    r"|\b(?:fuori (?:sede|ufficio)|in ferie|fora do escritório|de férias|afwezig|op vakantie|på semester)\b",
    re.I,
)
_THANKS = re.compile(
    r"(?:thank you|thanks|many thanks) for (?:your|the|contacting|writing|getting|e-?mailing|reaching)"
    r"|(?:vielen dank|danke) für (?:ihre|deine|die)"
    r"|merci (?:pour|de) votre|gracias por (?:su|tu|escribir|contactar)",
    re.I,
)
_LIMITED = re.compile(
    r"(?:limited|no|intermittent|sporadic|restricted|little) access to|(?:won['’]t|will not|not) (?:be )?(?:check"
    r"|read|monitor)\w*|(?:nicht|werden nicht) (?:weitergeleitet|gelesen|bearbeitet)"
    r"|eingeschränkt|accès (?:limité|restreint)|acceso limitado|response (?:time )?(?:may|will) be (?:delayed|slow)",
    re.I,
)
_URGENT = re.compile(
    r"\burgent|immediate (?:assistance|attention|help)|emergenc|in dringenden|dringende|en cas d['’]urgence"
    r"|asuntos urgentes|en caso de urgencia"
    r"|in my absence|meine vertretung|in meiner abwesenheit|en mon absence|en mi ausencia",
    re.I,
)
_AFTER = re.compile(
    r"(?:when|upon|after|on|once) (?:my|i) (?:return|am back|get back)|as soon as (?:i|possible)"
    r"|nach meiner rückkehr|sobald ich|dès mon retour|à mon retour|a mi (?:regreso|vuelta)",
    re.I,
)


def is_absence(subject: str, words: str) -> bool:
    """Return whether an automatic mail says that somebody is away."""
    return bool(_AWAY.search(subject[:300]) or _AWAY.search(words[:_TEXT_LIMIT]))


def is_unmarked_absence(words: str) -> bool:
    """Return whether a text is an out-of-office though nothing in its header says so.

    That takes three of an absence's usual phrases; and who asks something is a person, away or not.
    """
    text = words[:_TEXT_LIMIT]
    if "?" in text or not _AWAY.search(text):
        return False
    return sum(bool(phrase.search(text)) for phrase in (_THANKS, _LIMITED, _URGENT, _AFTER)) >= 2
