"""bot.db: what the bot remembers. The only module with this file's SQL.

Answers are kept as places (article version and offsets), never as article text: a retracted article leaves no words
here, and a button pressed after a restart or a new index shows exactly what was shown. What is forgotten is gone from
the file and its log at once. Written by the bot alone; the one connection is for one thread, the event loop's, since
every call is a matter of microseconds.
Knows nothing about Discord beyond its numbers, and nothing about how answers are found.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from bot.remembered import DEFAULTS, Asked, Feedback, Forgotten, GuildSettings, Place, Remembered, Report, Standing
from index.errors import StoreError
from index.types import DAY_S

FILE = "bot.db"
SCHEMA = 4
BUSY_MS = 10_000

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE answers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    asked_s INTEGER NOT NULL,
    guild INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    prompt INTEGER NOT NULL,
    parent TEXT,
    said TEXT,
    question TEXT,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    confidence REAL NOT NULL,
    snapshot TEXT NOT NULL,
    places TEXT NOT NULL,
    is_private INTEGER NOT NULL
);
CREATE INDEX answers_channel ON answers(channel, asked_s);
CREATE INDEX answers_asker ON answers(asker);
CREATE INDEX answers_prompt ON answers(prompt) WHERE prompt != 0;
CREATE TABLE messages (
    message INTEGER PRIMARY KEY,
    answer TEXT NOT NULL REFERENCES answers(id) ON DELETE CASCADE
);
CREATE INDEX messages_answer ON messages(answer);
CREATE TABLE votes (
    answer TEXT NOT NULL REFERENCES answers(id) ON DELETE CASCADE,
    voter INTEGER NOT NULL,
    value INTEGER NOT NULL,
    voted_s INTEGER NOT NULL,
    PRIMARY KEY (answer, voter)
) WITHOUT ROWID;
CREATE TABLE reports (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    answer TEXT NOT NULL REFERENCES answers(id) ON DELETE CASCADE,
    reporter INTEGER NOT NULL,
    reason TEXT NOT NULL,
    reported_s INTEGER NOT NULL
);
CREATE INDEX reports_reporter ON reports(reporter);
CREATE TABLE settings (
    guild INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (guild, key)
) WITHOUT ROWID;
CREATE TABLE threads (thread INTEGER PRIMARY KEY, opened_s INTEGER NOT NULL);
"""
_STANDING_TABLE = """
CREATE TABLE standing (
    id TEXT PRIMARY KEY,
    set_s INTEGER NOT NULL,
    until_s INTEGER NOT NULL,
    guild INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    asker INTEGER NOT NULL,
    is_direct INTEGER NOT NULL,
    text TEXT NOT NULL,
    sources TEXT NOT NULL,
    language TEXT NOT NULL,
    after_version INTEGER NOT NULL,
    due_s INTEGER NOT NULL,
    told TEXT NOT NULL,
    answer TEXT
) WITHOUT ROWID;
"""
# Forgetting looks for the answers of a server, for follow-ups, and for reports on what is deleted.
_INDEXES = """
CREATE INDEX answers_guild ON answers(guild, asked_s);
CREATE INDEX answers_parent ON answers(parent) WHERE parent IS NOT NULL;
CREATE INDEX reports_answer ON reports(answer);
"""

_COLUMNS = ", ".join(Remembered.__dataclass_fields__)


class Memory:
    """An open bot.db, made where it is missing.

    Args:
        folder: The data folder; None keeps all in this process alone, and it is gone with it however that ends.
        write: False opens it for reading, and a missing one as an empty one.

    Raises:
        StoreError: Damaged, of a newer schema, or not writable.
    """

    def __init__(self, folder: Path | None, *, write: bool = True) -> None:
        self._path = Path(FILE) if folder is None else folder / FILE
        self._forgettings: Counter[tuple[str, int]] = Counter()
        is_kept = folder is not None and (write or self._path.exists())
        try:
            self._db = _connected(self._path if is_kept else None, write)
        except (OSError, sqlite3.Error) as error:
            raise self._translated(error) from error
        try:
            self._check_schema(write or not is_kept)
        except sqlite3.Error as error:
            self._db.close()
            raise self._translated(error) from error
        except StoreError:
            self._db.close()
            raise

    def _check_schema(self, write: bool) -> None:
        if write:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._db.execute("PRAGMA secure_delete = ON")  # deleted words are overwritten, not only let go
        schema = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if schema > SCHEMA:
            raise StoreError(
                f"{self._path} has schema {schema} and this newsquote reads up to {SCHEMA}; upgrade newsquote."
            )
        if schema == SCHEMA or (schema and not write):  # what is read without writing is the same in all
            return
        if schema:
            self._upgrade(schema)
            return
        if self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] or not write:
            raise StoreError(f"{self._path} is no memory of newsquote's bot; move it away and start the bot again.")
        with self._transaction():
            self._run(_TABLES + _STANDING_TABLE + _INDEXES)
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _upgrade(self, schema: int) -> None:
        """From schema 1, which kept the words marked in an article, 2, without standing questions, or 3, where they
        held on to other people's words.
        """
        with self._transaction():
            if schema == 1:
                self._db.execute("ALTER TABLE answers DROP COLUMN answer")
            if schema < 3:
                self._run(_STANDING_TABLE)
            else:
                self._db.execute("ALTER TABLE standing ADD COLUMN answer TEXT")
            self._run(_INDEXES)
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        self._empty_log()

    def _run(self, statements: str) -> None:
        """Statements inside the transaction that is open: `executescript` would commit it."""
        for statement in filter(str.strip, statements.split(";")):
            self._db.execute(statement)

    def _empty_log(self) -> None:
        """Have the write-ahead log written into the file and cut to nothing: deleted words stand in it still.

        Waits for no reader, whom the event loop would wait for too; the next time does it then.
        """
        try:
            self._db.execute("PRAGMA busy_timeout = 0")
            try:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> StoreError:
        return StoreError(f"{self._path} cannot be used ({error}); check its permissions, the disk, or a backup of it.")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _write(self, sql: str, values: Sequence[object] = ()) -> int:
        try:
            return self._db.execute(sql, values).rowcount
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Answers --------------------------------------------------------------------------------------------

    def remember(self, answer: Remembered, messages: Sequence[int] = ()) -> None:
        """Keep an answer, or the new one under the same id, and the messages that show it; no kill takes it back."""
        values = asdict(answer) | {
            "question": None if answer.question is None else _question_json(answer.question),
            "places": json.dumps([asdict(place) for place in answer.places]),
            "is_private": int(answer.is_private),
        }
        with self._transaction():
            self._db.execute(
                f"INSERT INTO answers ({_COLUMNS}) VALUES ({_marks(values)}) ON CONFLICT (id) DO UPDATE SET "
                "said = excluded.said, question = excluded.question, kind = excluded.kind, "
                "status = excluded.status, confidence = excluded.confidence, snapshot = excluded.snapshot, "
                "places = excluded.places, asked_s = excluded.asked_s",
                [*values.values()],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO messages VALUES (?, ?)", [(message, answer.id) for message in messages]
            )

    def shown_in(self, answer_id: str, message: int) -> None:
        """Note that a message shows an answer; a reply to it follows that answer up. Unknown answers are let go."""
        self._write(
            "INSERT OR REPLACE INTO messages SELECT ?, id FROM answers WHERE id = ?",
            (message, answer_id),
        )

    def answer(self, answer_id: str) -> Remembered | None:
        """An answer by its id; None where it is unknown or forgotten."""
        return self._one("id = ?", (answer_id,))

    def answer_of_message(self, message: int) -> Remembered | None:
        """The answer that one of the bot's messages shows."""
        return self._one("id = (SELECT answer FROM messages WHERE message = ?)", (message,))

    def answer_to_prompt(self, prompt: int) -> tuple[Remembered, int | None] | None:
        """The answer to the message that asked, and the message that shows it."""
        found = self._one("prompt = ? AND prompt != 0 ORDER BY number DESC LIMIT 1", (prompt,))
        if found is None:
            return None
        # The first: pages of it, shown to single persons, were noted as well until schema 2.
        rows = self._rows("SELECT min(message) FROM messages WHERE answer = ?", (found.id,))
        return found, rows[0][0]

    def last_in(self, channel: int, since_s: int) -> Remembered | None:
        """The last answer in a thread or direct-message channel since an instant."""
        condition = "channel = ? AND asked_s >= ? AND is_private = 0 ORDER BY asked_s DESC, number DESC LIMIT 1"
        return self._one(condition, (channel, since_s))

    def _one(self, condition: str, values: Sequence[object]) -> Remembered | None:
        rows = self._rows(f"SELECT {_COLUMNS} FROM answers WHERE {condition}", values)
        return _remembered(rows[0]) if rows else None

    # Threads --------------------------------------------------------------------------------------------

    def opened_thread(self, thread: int, now_s: int) -> None:
        """Note a thread that the bot opened."""
        self._write("INSERT OR REPLACE INTO threads VALUES (?, ?)", (thread, now_s))

    def is_own_thread(self, thread: int) -> bool:
        """Whether the bot opened it."""
        return bool(self._rows("SELECT 1 FROM threads WHERE thread = ?", (thread,)))

    # Votes and reports ----------------------------------------------------------------------------------

    def vote(self, answer_id: str, voter: int, value: Literal[1, -1], now_s: int) -> bool:
        """Count a person's vote, in place of an earlier one; False where the answer is forgotten."""
        n = self._write(
            "INSERT INTO votes SELECT id, ?, ?, ? FROM answers WHERE id = ? "
            "ON CONFLICT (answer, voter) DO UPDATE SET value = excluded.value, voted_s = excluded.voted_s",
            (voter, value, now_s, answer_id),
        )
        return n > 0

    def votes(self, answer_id: str) -> tuple[int, int]:
        """Votes for and against."""
        row = self._rows("SELECT sum(value = 1), sum(value = -1) FROM votes WHERE answer = ?", (answer_id,))[0]
        return row[0] or 0, row[1] or 0

    def report(self, answer_id: str, reporter: int, reason: str, now_s: int) -> int | None:
        """Keep a report; its number, or None where the answer is forgotten."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO reports (answer, reporter, reason, reported_s) SELECT id, ?, ?, ? FROM answers "
                "WHERE id = ?",
                (reporter, reason, now_s, answer_id),
            )
            return cursor.lastrowid if cursor.rowcount else None

    def feedback(self, since_s: int = 0) -> list[Feedback]:
        """Questions with votes or reports, and those kept that have no answer, oldest first."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM answers WHERE asked_s >= ? AND (status = 'not_found' AND question IS NOT NULL "
            "OR id IN (SELECT answer FROM votes) OR id IN (SELECT answer FROM reports)) ORDER BY asked_s, id",
            (since_s,),
        )
        found = []
        for row in rows:
            answer = _remembered(row)
            reports = self._rows("SELECT * FROM reports WHERE answer = ? ORDER BY number", (answer.id,))
            found.append(Feedback(answer, *self.votes(answer.id), tuple(Report(*report) for report in reports)))
        return found

    # Standing questions ---------------------------------------------------------------------------------

    def stand(self, standing: Standing) -> None:
        """Keep a standing question, in place of what was kept of it before; durable on return."""
        values = asdict(standing) | {
            "is_direct": int(standing.is_direct),
            "sources": json.dumps(standing.sources, ensure_ascii=False),
            "told": json.dumps(standing.told),
        }
        self._write(
            f"INSERT OR REPLACE INTO standing ({', '.join(values)}) VALUES ({_marks(values)})", [*values.values()]
        )

    def told(self, standing_id: str, after_version: int, due_s: int, told: Sequence[str]) -> None:
        """Note how far a standing question has been asked and what was told; one that was stopped stays so."""
        self._write(
            "UPDATE standing SET after_version = ?, due_s = ?, told = ? WHERE id = ?",
            (after_version, due_s, json.dumps(list(told)), standing_id),
        )

    def standing(self, standing_id: str) -> Standing | None:
        """A standing question by its id; None where it is unknown or was stopped."""
        found = self._standing("id = ?", (standing_id,))
        return found[0] if found else None

    def standing_of(self, person: int, guild: int = 0) -> list[Standing]:
        """A person's standing questions, and all that are told in the channels of a server where one is named."""
        return self._standing("asker = ? OR (guild = ? AND guild != 0 AND NOT is_direct)", (person, guild))

    def standing_due(self, now_s: int, last_version: int) -> list[Standing]:
        """Those to be asked at an instant, as versions up to `last_version` are stored."""
        return self._standing(
            "due_s <= ? AND until_s > ? AND after_version != ?",
            (now_s, now_s, last_version),
        )

    def n_standing(self, person: int | None = None, guild: int | None = None) -> int:
        """How many stand, of a person or of a server where one is named."""
        return int(
            self._rows(
                "SELECT count(*) FROM standing WHERE coalesce(asker = ?, 1) AND coalesce(guild = ?, 1)",
                (person, guild),
            )[0][0]
        )

    def stop_standing(self, standing_id: str) -> bool:
        """Delete a standing question; False where there is none."""
        n = self._write("DELETE FROM standing WHERE id = ?", (standing_id,))
        self._empty_log()
        return n > 0

    def stop_standing_in(self, channel: int) -> int:
        """Delete the standing questions that are told in a channel of a server; how many."""
        n = self._write("DELETE FROM standing WHERE channel = ? AND NOT is_direct", (channel,))
        self._empty_log()
        return n

    def _standing(self, condition: str, values: Sequence[object]) -> list[Standing]:
        names = ", ".join(Standing.__dataclass_fields__)
        rows = self._rows(f"SELECT {names} FROM standing WHERE {condition} ORDER BY set_s, id", values)
        return [_standing_of(row) for row in rows]

    # Settings -------------------------------------------------------------------------------------------

    def settings(self, guild: int) -> GuildSettings:
        """What a server has set, over the defaults; the defaults for a direct message."""
        values = {
            key: json.loads(value)
            for key, value in self._rows("SELECT key, value FROM settings WHERE guild = ?", (guild,))
            if key in GuildSettings.__dataclass_fields__
        }
        for key in ("channels", "sources"):
            if key in values:
                values[key] = tuple(values[key])
        return replace(DEFAULTS, **values)

    def set(self, guild: int, **values: object) -> GuildSettings:
        """Change a server's settings; a value that is the default is kept as the default.

        Raises:
            TypeError: There is no such setting.
        """
        changed = replace(self.settings(guild), **values)  # type: ignore[arg-type]
        with self._transaction():
            for key in values:
                value = getattr(changed, key)
                if value == getattr(DEFAULTS, key):
                    self._db.execute("DELETE FROM settings WHERE guild = ? AND key = ?", (guild, key))
                else:
                    self._db.execute(
                        "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)", (guild, key, json.dumps(value))
                    )
        return changed

    def note(self, key: str) -> str | None:
        """A word the bot keeps for itself, such as the digest of its command tree."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def set_note(self, key: str, value: str) -> None:
        """Keep such a word."""
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # Forgetting -----------------------------------------------------------------------------------------

    def n_forgettings(self, person: int, guild: int) -> int:
        """How often a person and a server were forgotten since the start: what was begun before is not to be kept."""
        return self._forgettings["person", person] + self._forgettings["guild", guild]

    def forget_person(self, person: int) -> Forgotten:
        """Delete a person's questions with all that hangs on them, those that stand, and their votes and reports."""
        self._forgettings["person", person] += 1
        with self._transaction():
            n_votes = self._db.execute("DELETE FROM votes WHERE voter = ?", (person,)).rowcount
            n_reports = self._db.execute("DELETE FROM reports WHERE reporter = ?", (person,)).rowcount
            n_standing = self._db.execute("DELETE FROM standing WHERE asker = ?", (person,)).rowcount
            n = self._delete("asker = ?", (person,))
        self._empty_log()
        return Forgotten(n, n_votes, n_reports, n_standing)

    def forget_guild(self, guild: int) -> None:
        """Delete all that a server left: its questions, those that stand among them, and its settings."""
        self._forgettings["guild", guild] += 1
        with self._transaction():
            self._delete("guild = ? AND guild != 0", (guild,))
            self._db.execute("DELETE FROM standing WHERE guild = ? AND guild != 0", (guild,))
            self._db.execute("DELETE FROM settings WHERE guild = ?", (guild,))
        self._empty_log()

    def forget_prompt(self, prompt: int) -> None:
        """Delete the answer to a message that was deleted."""
        found = self.answer_to_prompt(prompt)
        if found is None:
            return
        with self._transaction():
            self._delete("id = ?", (found[0].id,))
        self._empty_log()

    def forget_old(self, now_s: int) -> int:
        """Delete questions older than their server keeps them, and those that no longer stand; how many."""
        guilds: Mapping[int, int] = {
            row[0]: self.settings(row[0]).keep_days for row in self._rows("SELECT DISTINCT guild FROM answers")
        }
        with self._transaction():
            n = 0
            for guild, days in guilds.items():
                n += self._delete("guild = ? AND asked_s < ?", (guild, now_s - days * DAY_S))
            n += self._db.execute("DELETE FROM standing WHERE until_s <= ?", (now_s,)).rowcount
        self._empty_log()
        return n

    def _delete(self, condition: str, values: Sequence[object]) -> int:
        """Delete answers, and from those that followed them up what was searched, where words of theirs are in it.

        A follow-up that was searched as it was typed has none. Questions that stand by these words end.
        """
        gone = (
            f"WITH RECURSIVE gone(id) AS (SELECT id FROM answers WHERE {condition} UNION "
            "SELECT answers.id FROM answers JOIN gone ON answers.parent = gone.id)"
        )
        with_words = "id IN gone AND json_extract(question, '$.text') IS NOT said"
        self._db.execute(
            f"{gone} DELETE FROM standing WHERE answer IN (SELECT id FROM answers WHERE {condition} UNION ALL "
            f"SELECT id FROM answers WHERE {with_words})",
            [*values, *values],
        )
        self._db.execute(f"{gone} UPDATE answers SET question = NULL WHERE {with_words}", values)
        return self._db.execute(f"DELETE FROM answers WHERE {condition}", values).rowcount

    def n_answers(self) -> int:
        """How many answers are remembered."""
        return int(self._rows("SELECT count(*) FROM answers")[0][0])


def _connected(path: Path | None, write: bool) -> sqlite3.Connection:
    """A connection to a file, made where it is missing and may be written; without a path to this process' memory."""
    name = ":memory:" if path is None else str(path) if write else f"{path.absolute().as_uri()}?mode=ro"
    if path is not None and write:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(mode=0o600)  # people's questions; SQLite gives its log the same rights
    # One thread at a time uses it, but a test's loop and its set-up are two.
    return sqlite3.connect(name, uri=not write, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)


def _marks(values: Sized) -> str:
    return ", ".join("?" * len(values))


def _question_json(question: Asked) -> str:
    values = asdict(question)
    for key in ("asked_on", "since", "until"):
        values[key] = values[key] and values[key].isoformat()
    return json.dumps(values, ensure_ascii=False)


def _question(text: str | None) -> Asked | None:
    if text is None:
        return None
    values = json.loads(text)
    for key in ("asked_on", "since", "until"):
        values[key] = values[key] and date.fromisoformat(values[key])
    return Asked(**(values | {"sources": tuple(values["sources"])}))


def _remembered(row: tuple) -> Remembered:  # type: ignore[type-arg]
    values = dict(zip(Remembered.__dataclass_fields__, row, strict=True))
    values["question"] = _question(values["question"])
    values["places"] = tuple(map(_place, json.loads(values["places"])))
    values["is_private"] = bool(values["is_private"])
    return Remembered(**values)


def _place(kept: dict[str, Any]) -> Place:
    return Place(**(kept | {"answer": kept["answer"] and tuple(kept["answer"]), "also": tuple(kept["also"])}))


def _standing_of(row: tuple) -> Standing:  # type: ignore[type-arg]
    values = dict(zip(Standing.__dataclass_fields__, row, strict=True))
    values["is_direct"] = bool(values["is_direct"])
    values["sources"], values["told"] = (tuple(json.loads(values[key])) for key in ("sources", "told"))
    return Standing(**values)
