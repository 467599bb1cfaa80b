"""A stand-in for Discord on this machine's loopback: gateway, REST, and the people who use it.

A bot under test is the bot that ships, pointed at another address; what is enforced here is what Discord enforces.
Knows nothing about newsquote and never imports discord. README.md lists what it does not do.
"""

from bot.standin.entities import Channel, Guild, Interaction, Message, User
from bot.standin.hub import Change
from bot.standin.limits import Limit
from bot.standin.mentions import Pings
from bot.standin.people import NotOffered
from bot.standin.server import StandIn
from bot.standin.serving import Request

__all__ = [
    "Change",
    "Channel",
    "Guild",
    "Interaction",
    "Limit",
    "Message",
    "NotOffered",
    "Pings",
    "Request",
    "StandIn",
    "User",
]
