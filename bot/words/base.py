"""What a language must have words for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """Sentences and labels of one language; every field must be there, and its braces are those of English.

    Attributes:
        commands: Names and descriptions of commands and options, by key (`ask.name`, `ask.question`, …). One that is
            missing stays English.
    """

    name: str
    commands: Mapping[str, str]

    # The card
    undated: str
    no_title: str
    also_in: str
    is_stub: str
    corrected: str
    disagree: str
    understood: str
    since: str
    until: str
    between: str
    around: str
    elsewhen: str
    only_from: str
    any_of: str
    absent: str
    absent_all: str
    respelt: str
    newest: str
    page: str
    gone: str
    not_found: str
    not_found_nothing: str
    nearest: str
    searched_range: str
    searched_day: str
    embeds_missing: str
    text_checked: str
    text_writing: str
    text_declined: str
    text_unsupported: str
    text_failed: str

    # Buttons and forms
    more: str
    follow_up: str
    unfilter: str
    thread: str
    report: str
    follow_up_title: str
    follow_up_label: str
    follow_up_hint: str
    report_title: str
    report_label: str
    report_hint: str
    voted_up: str
    voted_down: str
    reported: str
    expired: str
    thread_opened: str
    thread_exists: str
    not_here: str
    may_not_thread: str
    not_yours: str

    # Standing questions
    stand: str
    stop: str
    standing_here: str
    standing_set: str
    standing_exists: str
    standing_too_many: str
    standing_full: str
    standing_unreachable: str
    standing_stopped: str
    standing_gone: str
    standing_not_yours: str
    standing_none: str
    standing_list: str
    standing_direct: str
    standing_news: str

    # Refusals
    wait: str
    wait_guild: str
    busy: str
    closing: str
    failed: str
    no_index: str
    bad_day: str
    no_channel: str
    last_channel: str
    day_order: str
    unknown_source: str
    empty: str
    too_long: str
    no_words: str
    channel_not_allowed: str
    managers_only: str
    missing_permission: str
    nothing_in_message: str

    # Commands
    status: str
    status_queue: str
    sources: str
    sources_more: str
    privacy: str
    privacy_model: str
    forgotten: str
    settings: str
    settings_saved: str
    all_channels: str
    all_sources: str
    each_reader: str
    yes: str
    no: str
