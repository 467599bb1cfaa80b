"""What a name given to `newsquote retract` stands for, and what undoing its retraction brings back.

Reads the store; lifts nothing. Knows nothing about the index beyond whether it shows the store's last change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import BadInput
from index.store import Store, page_of
from index.store_feeds import FeedStore, LogLine
from index.terminal import counted, moment, safe
from ingest.identity import canonical_url, one_spelling
from ingest.indexing import is_behind

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Named:
    """The articles that a name stands for.

    Attributes:
        head: The page that they are and are the updates of, be it stored itself or not; "" for what came with one text
            for a URL.
        ids: All of them, the head first; empty where there are none.
    """

    head: str
    ids: tuple[str, ...]


def named(store: FeedStore, name: str) -> Named:
    """What a name stands for, tombstones or not: an address, an id, or what was given for a URL and is none.

    A page takes its updates along. Its address may be one that it was asked for at and that is not its own, and what is
    stored under other spellings of its address comes along too: nobody who names a page means one spelling alone.
    """
    found = _as_spelt(store, name)
    head = found.head or canonical_url(name)
    others = _spellings(store, head) if head else ()
    more = [identity for other in others for identity in _headed(store, other).ids if identity not in found.ids]
    return Named(found.head or others[0], (*found.ids, *more)) if more else found


def _spellings(store: Store, head: str) -> tuple[str, ...]:
    """Pages, or parts of pages, that are stored under the same address but for its spelling."""
    wanted, (host, *_) = one_spelling(head), head.removeprefix("https://").split("/")
    on_host = store.ids_between(f"https://{host}/", f"https://{host}0")  # `0` comes next to `/`
    heads = dict.fromkeys(each for identity in on_host for each in (page_of(identity), identity))
    return tuple(each for each in heads if each != head and one_spelling(each) == wanted)


def _as_spelt(store: FeedStore, name: str) -> Named:
    page, part = canonical_url(name), name.partition("#")[2]
    # As it is, it may be the id of a part of a page; the address under which an answer shows one may have another host.
    for head in (name, f"{page}#{part}" if page and part else None, page):
        if head is not None and (found := _headed(store, head)).ids:
            return found
    if ids := store.ids_at(name):
        return Named("", tuple(ids))
    own = store.article_at(name, page)
    return _headed(store, own) if own else Named("", ())


def _headed(store: Store, head: str) -> Named:
    parts = tuple(store.parts_of(head))
    is_there = store.known(head) is not None or store.retracted_s(head) is not None
    return Named(head, (head, *parts) if is_there else parts)


@dataclass(frozen=True, slots=True)
class Return:
    """What undoing the retraction of one name brings back.

    Attributes:
        name: As a person gave it.
        ids: The articles, with one moment of retraction.
        kept_out: What has a tombstone of that moment without being an article here: a page that is stored as updates
            only, or what an export says was retracted. Empty like `ids` where all is back and only the index lacks it.
        retracted_s: That moment.
        reason: Why the watcher retracted them; "" where a person did.
        left: Updates of the page that were retracted at another moment and stay so.
        page: The page stored as updates only, of which later ones are taken again; "" for none.
    """

    name: str
    ids: tuple[str, ...]
    kept_out: tuple[str, ...] = ()
    retracted_s: int = 0
    reason: str = ""
    left: tuple[str, ...] = ()
    page: str = ""

    def line(self, *, is_done: bool) -> str:
        """For a person: what comes back, since when and why it was away."""
        found = self.ids or self.kept_out
        if not found:
            return safe(f"{self.name} was brought back before, and only the index did not show it.")
        what = self.name + (f" ({counted(len(found), 'article')})" if len(found) > 1 else "")
        if self.ids:
            verb = "would be back" if not is_done else "are back" if len(found) > 1 else "is back"
            line = f"{what} {verb}: retracted {self._how()}."
        else:
            verb = "would be" if not is_done else "are" if len(found) > 1 else "is"
            line = f"{what} {verb} taken in with the next ingest: retracted {self._how()}, and not stored here."
        if self.left:
            those = "one" if len(self.left) == 1 else f"{len(self.left):,}"
            line += f" Retracted at another time, {those} of its updates stays so: {_some(self.left)}."
        if self.page:
            line += f" Updates of {self.page} that come later are taken again."
        return safe(line)

    def log_lines(self, now_s: int) -> list[LogLine]:
        """The same for the log that `newsquote feeds why` shows, by article and page."""
        addresses = dict.fromkeys(page_of(one) or one for one in (*self.ids, *self.kept_out))
        return [LogLine(now_s, 0, one, "restored", f"it was retracted {self._how()}"[:500]) for one in addresses]

    def _how(self) -> str:
        by = f"by the watcher, since {self.reason}" if self.reason else "by `newsquote retract`"
        if not self.ids:
            by = "as an export says"
        return f"on {moment(self.retracted_s)} {by}"


def planned(store: FeedStore, folder: Path, names: Sequence[str]) -> list[Return]:
    """What undoing the retraction of these names brings back, in their order.

    What was retracted with the article named comes back with it, and nothing that was retracted at another moment: that
    had a reason of its own, perhaps a publisher's.

    Args:
        store: To ask.
        folder: Whose index may be behind the store.
        names: As in `named`.

    Raises:
        BadInput: One is not in the corpus, is not retracted, stands for several retractions, or is an update of a page
            that stays retracted.
    """
    found = [_planned(store, folder, name) for name in names]
    lifted = {identity for one in found for identity in (*one.ids, *one.kept_out)}
    for identity in sorted(lifted):
        page = page_of(identity)
        stays = page not in lifted and store.retracted_s(page) is not None
        if page and stays and not store.is_page_of_parts(page):
            raise BadInput(
                f"{identity} is an update of {page}, which is retracted; bring that page back, and retract what is not "
                "to come back with it."
            )
    return found


def _planned(store: FeedStore, folder: Path, name: str) -> Return:
    what = named(store, name)
    if not what.ids:
        raise BadInput(f"{name} is not in the corpus, neither as an article that answers nor as a retracted one.")
    retracted = {one: at_s for one in what.ids if (at_s := store.retracted_s(one)) is not None}
    head_s = store.retracted_s(what.head) if what.head else None
    moments = set(retracted.values()) if not what.head else set() if head_s is None else {head_s}
    if not moments:
        if is_behind(folder, store) and any(store.restored_s(one) is not None for one in what.ids):
            return Return(name, ())
        raise BadInput(_not_retracted(store, name, what, list(retracted)))
    if len(moments) > 1:
        raise BadInput(
            f"{name} was given for {len(retracted):,} articles that were retracted at different times; name one by its "
            f"id, such as {_some(list(retracted))}."
        )
    (retracted_s,) = moments
    lifted = [one for one, at_s in retracted.items() if at_s == retracted_s]
    ids = tuple(one for one in lifted if store.known(one) is not None)
    # A person may have retracted again what the watcher once did, or was about to.
    removals = (store.removal(one) for one in ids)
    reasons = (removal.reason for removal in removals if removal is not None and removal.at_s == retracted_s)
    return Return(
        name=name,
        ids=ids,
        kept_out=tuple(one for one in lifted if one not in ids),
        retracted_s=retracted_s,
        reason=next(reasons, ""),
        left=tuple(one for one in retracted if one not in lifted),
        page=next((page for one in lifted if store.is_page_of_parts(page := page_of(one))), ""),
    )


def _not_retracted(store: Store, name: str, what: Named, retracted: Sequence[str]) -> str:
    if not what.head:
        stands = f"{len(what.ids):,} articles in the corpus were given that for a URL" if len(what.ids) > 1 else ""
    else:
        n = len(what.ids) - len(retracted)
        stands = f"{counted(n, 'update')} of it are in the corpus" if store.known(what.head) is None and n > 1 else ""
    said = f"{name} is not retracted: {stands or 'it is in the corpus'}"
    return said + (f"; updates of it are, name one by its id, such as {_some(retracted)}." if retracted else ".")


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN:,} more" if len(ids) > _SHOWN else ""
    return ", ".join(ids[:_SHOWN]) + more
