"""What the administrators of search do: documents sent directly, synonyms, pins, and what is known of the index."""

from collections.abc import Sequence

from pydantic import BaseModel

from tessera import ids
from tessera.problems import FieldError, InvalidRequest, NotFound
from tessera.searchable import SearchDoc

from ..ports import Ports
from ..rules.analysis import parts
from ..rules.documents import Lengths
from ..rules.query import normalised
from ..store.admin import Size
from . import take


def take_in(ports: Ports, items: Sequence[BaseModel]) -> int:
    """1 request for each. The number of documents that wait to be indexed."""
    once = ids.new()
    for item in items:
        take.tell(ports, SearchDoc.model_validate(item.model_dump()), once=once)
    return len(items)


def put_synonyms(ports: Ports, term: str, to: Sequence[str], *, two_way: bool) -> dict[str, list[str]]:
    """Raises `InvalidRequest` for what is not one word, `TooManySynonyms`."""
    word = _word(term, "/term")
    targets = [_word(one, f"/to/{position}") for position, one in enumerate(to)]
    made = {word: [one for one in dict.fromkeys(targets) if one != word]}
    if two_way:
        known = ports.admin.synonyms()
        made |= {one: list(dict.fromkeys([*known.get(one, []), word]))[:20] for one in made[word]}
    for one, meant in made.items():
        ports.admin.put_synonym(one, meant)
    return made


def delete_synonym(ports: Ports, term: str) -> None:
    if not ports.admin.delete_synonym(_word(term, "?term")):
        raise NotFound("There is no such synonym.")


def pin(ports: Ports, query: str, kind: str | None, docs: Sequence[str]) -> None:
    """Raises `InvalidRequest` for a query without words."""
    said = normalised(query)
    if not said:
        raise InvalidRequest("There is no word in it.", errors=[FieldError("/query", "There is no word in it.")])
    ports.admin.pin(said, kind or "", docs)


def drift(lengths: Lengths, size: Size) -> float:
    """By which part the average lengths of all fields together differ from those of the epoch."""
    frozen = sum(lengths.averages.values())
    return round(abs(sum(size.averages.values()) - frozen) / frozen, 4) if size.documents else 0.0


def _word(text: str, pointer: str) -> str:
    found = parts(text)
    if len(found) != 1:
        detail = "It must be one word."
        raise InvalidRequest(detail, errors=[FieldError(pointer, detail)])
    return found[0].term
