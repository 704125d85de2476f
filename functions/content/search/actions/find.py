"""Searching: from a query to a page of results, in three or four rounds of requests whatever there is to be found."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from tessera import clock
from tessera.auth.principal import Principal

from ..ports import Ports
from ..rules import snippets
from ..rules.analysis import MAX_TERM, fold, parts
from ..rules.documents import STEM, Document
from ..rules.expand import Kind, Option, Plan, Word, expand
from ..rules.index import Ask, Scope
from ..rules.problems import NoSuchDocument
from ..rules.query import Asked, holds, normalised, parse
from ..rules.ranking import Filters, Found, Hit, Ranking
from ..rules.results import Explained, Result, Results, Sought, freshest_first
from ..store.reading import words_of
from ..store.rows import MetaRow, Posted
from . import access

# How deep one may turn pages, and how many of what was found are looked at for a phrase.
DEEPEST, VERIFIED = 200, 50
# Found and deleted a moment ago: so many more are looked at than are shown.
SPARE = 10
SUGGESTED, LISTS_OF_TITLES, TITLES_READ = 10, 3, 10
SIMILAR_WORDS, SIMILAR_LOOKED_AT = 8, 24


def search(ports: Ports, sought: Sought, scopes: Sequence[Scope]) -> Results:
    """A page of what is found. Its cost is bounded by the query and the number of scopes."""
    epoch = ports.indexing.lengths().epoch
    asked = _asked(sought)
    if asked.is_empty:
        return Results(epoch=epoch)
    plan, found, explained = _ranked(ports, sought, asked, scopes)
    page = _page(ports, sought, asked, plan, scopes, found)
    warnings = [f"Left out: {', '.join(plan.dropped)}. Only the eight rarest words count."] if plan.dropped else []
    verified_in_part = bool(asked.phrases or asked.without) and len(found.hits) > VERIFIED
    return Results(
        items=page.items,
        next=page.next,
        total=page.total,
        all_seen=found.all_seen and not verified_in_part,
        exact=found.exact and not verified_in_part,
        corrections=plan.corrections,
        warnings=warnings,
        explained=explained if sought.explain else None,
        epoch=epoch,
    )


def suggest(ports: Ports, q: str, scopes: Sequence[Scope]) -> tuple[list[str], list[MetaRow]]:
    """Words that begin as the last word does, and titles with them: ten in all."""
    said = parts(q)
    if not said:
        return [], []
    begun = ports.reading.beginning([scope.name for scope in scopes if not scope.is_narrow], said[-1].term)
    common: dict[str, int] = {}
    for (_, term), df in begun.items():
        common[term] = common.get(term, 0) + df
    terms = sorted(common, key=lambda term: (-common[term], term))[: SUGGESTED // 2]
    asks = [Ask(scope, term, limit=TITLES_READ) for scope, term in begun if term in terms[:LISTS_OF_TITLES]]
    docs = list(dict.fromkeys(one.doc for batch in ports.reading.postings(asks) for one in batch.postings))
    cards = _visible(ports.reading.cards(docs[:100]), scopes)
    before = {token.term for token in said[:-1]}
    titles = [card for card in cards.values() if _is_titled(card.title, before, said[-1].term)]
    return terms, titles[: SUGGESTED - len(terms)]


def similar(ports: Ports, doc: str, limit: int, caller: Principal) -> list[Result]:
    """What shares the words that tell most of a document. Raises `NoSuchDocument`, also for what is not theirs."""
    card = ports.reading.cards([doc]).get(doc)
    if card is None or not access.may_see(ports, caller, card.acl, int(card.n)):
        raise NoSuchDocument()
    scopes = access.scopes(ports, caller, ())
    # What is being indexed has its words there, and nowhere else yet.
    posted = ports.reading.words(doc) if card.pending is None else Posted.unpacked(bytes(card.pending))
    impacts = words_of(posted)
    likely = sorted(impacts, key=lambda term: (-impacts[term], term))[:SIMILAR_LOOKED_AT]
    known = ports.reading.vocabulary([scope.name for scope in scopes], likely)
    telling = [term for term in likely if known.frequency(term)]
    telling = sorted(telling, key=lambda term: (-impacts[term] * known.rarity(term), term))[:SIMILAR_WORDS]
    plan = Plan(tuple(Word(term, (Option(term, Kind.EXACT, 1.0),)) for term in telling), known)
    found = Ranking(plan, scopes, Filters(), ports.reading).best(limit + SPARE)
    hits = [hit for hit in found.hits if hit.doc != doc][: limit + SPARE]
    cards = _visible(ports.reading.cards([hit.doc for hit in hits]), scopes)
    return [_result(hit, cards[hit.doc], None, ()) for hit in hits if hit.doc in cards][:limit]


def folded_tags(tags: Sequence[str]) -> list[str]:
    """Tags as they are kept in the index."""
    return [fold(tag)[:MAX_TERM] for tag in tags]


def _ranked(ports: Ports, sought: Sought, asked: Asked, scopes: Sequence[Scope]) -> tuple[Plan, Found, Explained]:
    """What is found, in its order. Of what everybody may see it is remembered for ten seconds."""
    name = repr((sought, asked)) if [scope.name for scope in scopes] == [access.PUBLIC.name] else ""
    seen = ports.hot.get(name) if name else None
    if seen is not None:
        return seen
    kind = asked.types[0] if len(asked.types) == 1 else ""
    query = normalised(sought.q)
    pins = [f"{query}\n", *([f"{query}\n{kind}"] if kind else [])] if query else []
    plan = expand(asked, scopes, ports.reading, lang=sought.lang, pins=pins)
    ranking = Ranking(plan, scopes, _filters(sought, asked), ports.reading)
    wanted = VERIFIED if asked.phrases or asked.without else sought.offset + sought.limit + SPARE
    found = ranking.best(wanted)
    made = plan, found, _explained(plan, scopes, ranking, found)
    if name:
        ports.hot.put(name, made)
    return made


def _asked(sought: Sought) -> Asked:
    asked = parse(sought.q)
    types = tuple(dict.fromkeys((*asked.types, *sought.types)))
    tags = tuple(dict.fromkeys((*asked.tags, *sought.tags)))
    return Asked(asked.words, asked.quoted, asked.phrases, asked.without, tags, asked.authors, types, open=asked.open)


def _filters(sought: Sought, asked: Asked) -> Filters:
    return Filters(
        types=frozenset(asked.types),
        first_day=_day(sought.since),
        last_day=_day(sought.until),
        lang=sought.lang,
    )


def _day(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() // 86_400)


def _page(ports: Ports, sought: Sought, asked: Asked, plan: Plan, scopes: Sequence[Scope], found: Found) -> Results:
    pinned = list(dict.fromkeys(plan.vocabulary.pinned))
    hits = [hit for hit in found.hits if hit.doc not in pinned]
    ranked = len(hits)
    if asked.phrases or asked.without:
        hits = _verified(ports, asked, hits[:VERIFIED], scopes)
    total = found.total - (ranked - len(hits))
    window = hits[sought.offset : sought.offset + sought.limit + SPARE]
    first = pinned if sought.offset == 0 else []
    cards = _visible(ports.reading.cards([*first, *(hit.doc for hit in window)]), scopes)
    shown: list[Hit] = []
    passed = 0
    for hit in window:
        if len(shown) == sought.limit:
            break
        passed += 1
        card = cards.get(hit.doc)
        if card is not None and _still_matches(hit, card) and _is_in_time(card, sought):
            shown.append(hit)
    end = sought.offset + passed
    texts = ports.reading.texts({hit.doc: cards[hit.doc] for hit in shown}) if sought.highlight else {}
    order = freshest_first([(hit, clock.parse(cards[hit.doc].updated_at)) for hit in shown], clock.now())
    terms = plan.terms
    items = [_result(shown[at], cards[shown[at].doc], texts.get(shown[at].doc), terms) for at in order]
    top = [_pinned(cards[doc]) for doc in first if doc in cards and (not asked.types or cards[doc].type in asked.types)]
    more = len(hits) > end and end < DEEPEST and passed
    return Results(items=[*top, *items], next=end if more else None, total=max(total, 0) + len(top))


def _verified(ports: Ports, asked: Asked, hits: Sequence[Hit], scopes: Sequence[Scope]) -> list[Hit]:
    """Those in whose text the phrases stand, and none of what must not. 2 requests."""
    cards = _visible(ports.reading.cards([hit.doc for hit in hits]), scopes)
    texts = ports.reading.texts(cards)
    return [hit for hit in hits if hit.doc in texts and _says(texts[hit.doc], asked)]


def _says(document: Document, asked: Asked) -> bool:
    fields = [document.title, *document.headings, *document.tags, document.body]
    said = [[token.term for token in parts(text)] for text in fields]
    return all(any(holds(terms, phrase) for terms in said) for phrase in asked.phrases) and not any(
        holds(terms, phrase) for terms in said for phrase in asked.without
    )


def _visible(cards: Mapping[str, MetaRow], scopes: Sequence[Scope]) -> dict[str, MetaRow]:
    """What may be shown as it is now: a document may have moved since its postings were read."""
    floors = {scope.name: scope.floor for scope in scopes}
    return {doc: card for doc, card in cards.items() if card.acl in floors and card.n >= floors[card.acl]}


def _still_matches(hit: Hit, card: MetaRow) -> bool:
    """Whether a document that is being changed will still have any of the words it was found by."""
    if card.pending is None:
        return True
    coming = Posted.unpacked(bytes(card.pending)).terms
    return any(match.option.term in coming for match in hit.matches)


def _is_in_time(card: MetaRow, sought: Sought) -> bool:
    updated = clock.parse(card.updated_at)
    return (sought.since is None or updated >= sought.since) and (sought.until is None or updated <= sought.until)


def _is_titled(title: str, words: set[str], beginning: str) -> bool:
    terms = {token.term for token in parts(title)}
    return words <= terms and any(term.startswith(beginning) for term in terms)


def _result(hit: Hit, card: MetaRow, text: Document | None, terms: Sequence[str]) -> Result:
    if text is None:
        part = snippets.plain(card.excerpt)
    else:
        roots = [f"{STEM}{term}" for term in terms if not term.startswith(STEM)]
        part = snippets.snippet(text.body or text.title, {*terms, *roots}, card.lang)
    return Result(
        id=hit.doc,
        type=card.type,
        title=card.title,
        url=card.url,
        snippet=part.text,
        highlights=part.marks,
        score=round(hit.score, 6),
        updated_at=clock.parse(card.updated_at),
        matches=hit.matches,
    )


def _pinned(card: MetaRow) -> Result:
    part = snippets.plain(card.excerpt)
    updated = clock.parse(card.updated_at)
    doc = card.pk.partition("#")[2]
    return Result(doc, card.type, card.title, card.url, part.text, (), 0.0, updated, pinned=True)


def _explained(plan: Plan, scopes: Sequence[Scope], ranking: Ranking, found: Found) -> Explained:
    return Explained(
        words={word.text: [f"{option.kind.value} {option.term}" for option in word.options] for word in plan.words},
        scopes=[scope.name for scope in scopes],
        lists=len(ranking.lists),
        postings=sum(one.read for one in ranking.lists.values()),
        rounds=found.rounds,
    )
