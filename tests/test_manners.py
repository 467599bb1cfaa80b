"""What is said to the bot around a question is not searched for; what only sounds like it is."""

from __future__ import annotations

from datetime import date

import pytest

from bot.conversation import Before, filled_in
from bot.manners import without_manners
from bot.understand import understand

DAY = date(2025, 4, 30)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("yo what happened to the ferry?", "what happened to the ferry?"),
        ("hey bot, what happened to the ferry?", "what happened to the ferry?"),
        ("hi! what happened to the ferry?", "what happened to the ferry?"),
        ("@newsbot who won the vote", "who won the vote"),
        ("good morning! who won the vote?", "who won the vote?"),
        ("Good morning, who won?", "who won?"),
        ("Hello, I have a question. Who won the vote?", "Who won the vote?"),
        ("can u tell me how many jobs were cut pls", "how many jobs were cut"),
        ("Could you please tell me how many jobs were cut?", "how many jobs were cut?"),
        ("Could you tell me, please, who won the vote?", "who won the vote?"),
        ("Please tell me, who won the vote?", "who won the vote?"),
        ("do you know who won the vote?", "who won the vote?"),
        ("I was wondering who won the vote.", "who won the vote."),
        ("tell me about the herring quota", "the herring quota"),
        ("idk who won the vote tbh", "who won the vote"),
        ("who won the vote, please?", "who won the vote?"),
        ("Who won the vote? Thanks in advance!", "Who won the vote?"),
        ("who won the vote?? thx lol", "who won the vote??"),
        ("ferry crash 😱😱 how many hurt?? 🚢", "ferry crash how many hurt??"),
        ("who won the vote 🎉?", "who won the vote?"),
        ("**how many** jobs is `Skerry Air` cutting?", "how many jobs is Skerry Air cutting?"),
        ("give me 3 facts about the squid", "the squid"),
        ("whos running against Halloran", "who's running against Halloran"),
        ("latest news about the ferry", "the ferry"),
        ("Any recent updates on the ferry?", "the ferry?"),
        ("please give me the latest news on the ferry", "the ferry"),
        ("What's the latest on the ferry?", "the ferry?"),
        ("breaking ferry crash news", "ferry crash"),
    ],
)
def test_what_is_said_to_the_bot_is_not_searched_for(said: str, asked: str) -> None:
    assert without_manners(said) == asked
    assert understand(said, DAY).topic == asked
    assert understand(said, DAY).question == said
    assert understand(said, DAY, filters=False).topic == said


@pytest.mark.parametrize(
    "asked",
    [
        "Hello Kitty was made by whom?",
        "Hey Jude was written by whom?",
        "Please Please Me was whose album?",
        "Good Morning America hired whom?",
        "Thank You for Smoking was written by whom?",
        "Yo-Yo Ma played where?",
        "OK Corral saw which fight?",
        "Who said thank you?",
        "What is the word for please?",
        "Who gave thanks?",
        "What does lol mean?",
        "Question Time: who spoke?",
        "Who can tell me what happened in Tarn?",
        "Can you tell me if the ferry is safe?",
        "Do you know Marla Quist?",
        "Combien a coûté le pont ?",
        "Finish the title: The Wreck of the ...",
        "Whose whos are these?",
        "Who wrote M*A*S*H?",
        "The price rose by __ percent.",
        "What is a give me about?",
        "What news about the ferry pleased Halloran?",
        "Which is the latest newspaper to close?",
        "Who won the award for breaking news?",
    ],
)
def test_what_a_question_is_about_stays(asked: str) -> None:
    assert without_manners(asked) == asked


@pytest.mark.parametrize("said", ["hi", "lol", "Tell me about it", "please tell me who it is", "🎉"])
def test_where_nothing_else_is_said_the_words_stay(said: str) -> None:
    assert without_manners(said) == said


def test_a_follow_up_is_filled_in_without_what_was_said_to_the_bot() -> None:
    before = understand("can u tell me how many jobs Skerry Air is cutting pls", DAY)
    went = Before(before.topic, before.kind, "1,150")
    assert filled_in("when?", went) == "When is Skerry Air cutting jobs?"


@pytest.mark.parametrize(
    "piece", ["hi ", "**", "* ", "hey, ", "tell me ", "can you please ", "thanks ", "lol ", ", ", "? ", "🎉"]
)
def test_no_words_take_long(piece: str) -> None:
    without_manners((piece * 2_000)[:1_990])
    without_manners("who won " + (piece * 2_000)[:1_990])
