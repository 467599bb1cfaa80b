"""What people do on Discord: they write, press, fill in, choose. Refuses what Discord's own program would not offer."""

from __future__ import annotations

from collections.abc import Mapping

from bot.standin import payloads
from bot.standin.commands import CHAT_INPUT, MESSAGE, option_payload
from bot.standin.components import LABEL, ROW, SELECTS
from bot.standin.entities import Channel, Interaction, Message, User, walk
from bot.standin.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, SUBMIT
from bot.standin.wire import Json
from bot.standin.world import World


class NotOffered(LookupError):
    """A person cannot do this: the command, button or field is not there, not enabled, or not for them."""


class People:
    """Everything a person can do."""

    def __init__(self, world: World) -> None:
        self._world = world

    # Writing ------------------------------------------------------------------------------------------------

    def say(self, user: User, channel: Channel, text: str, reply_to: Message | None, *, ping: bool) -> Message:
        """A message; a reply notifies its author unless `ping` is off."""
        if channel.deleted or channel.locked:
            raise NotOffered(f"nobody can write in {channel}")
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": ping}
        return self._world.post(channel, user, {"content": text, "allowed_mentions": allowed}, reply_to=reply_to)

    def edit(self, user: User, message: Message, text: str) -> None:
        """Changes one's own message."""
        if message.author is not user or message.deleted:
            raise NotOffered(f"{user} cannot edit {message}")
        self._world.edit(message, {"content": text})

    def delete(self, message: Message) -> None:
        """Deletes a message."""
        if message.deleted:
            raise NotOffered(f"{message} is gone")
        self._world.remove(message)

    # Commands -----------------------------------------------------------------------------------------------

    def offered(self, user: User, channel: Channel, kind: int = CHAT_INPUT) -> list[Json]:
        """Commands that this person is shown here, as registered; a server's own stand before those for all."""
        guild = channel.guild
        scopes = [
            self._world.commands.get(guild.id, []) if guild is not None else [],
            self._world.commands.get(None, []),
        ]
        found: dict[str, Json] = {}
        for command in (one for scope in scopes for one in scope):
            if command["type"] == kind and self._is_shown(command, user, channel):
                found.setdefault(command["name"], command)
        return list(found.values())

    @staticmethod
    def _is_shown(command: Json, user: User, channel: Channel) -> bool:
        guild = channel.guild
        if "use_application_commands" not in channel.permissions:
            return False
        if guild is not None and not guild.bot_is_member and 1 not in (command["integration_types"] or ()):
            return False
        place = 1 if guild is None else 0
        if command["contexts"] is not None and place not in command["contexts"]:
            return False
        if guild is None:
            return command["dm_permission"] is not False
        needed = int(command["default_member_permissions"] or 0)
        return payloads.member_permissions(user, guild) & needed == needed

    def _command(self, user: User, channel: Channel, name: str, kind: int) -> tuple[Json, list[str]]:
        commands = {command["name"]: command for command in self.offered(user, channel, kind)}
        if name in commands:
            return commands[name], []
        first, *words = name.split()
        if kind == CHAT_INPUT and first in commands:
            return commands[first], words
        raise NotOffered(f"{user} is shown no {name!r} in {channel}; shown: {', '.join(commands) or 'nothing'}")

    def slash(
        self, user: User, channel: Channel, name: str, options: Mapping[str, object], focused: str | None = None
    ) -> Interaction:
        """A slash command, or its autocompletion while `focused` is being typed.

        Raises:
            NotOffered: The person is shown no such command here.
            ValueError: An option is unknown, missing, or does not take this value.
        """
        command, words = self._command(user, channel, name, CHAT_INPUT)
        filled, resolved = option_payload(command, words, options, focused)
        payload: Json = {"id": command["id"], "name": command["name"], "type": CHAT_INPUT, "options": filled}
        if resolved:
            payload["resolved"] = self._resolved(resolved, channel)
        if "guild_id" in command:
            payload["guild_id"] = command["guild_id"]
        kind = COMMAND if focused is None else AUTOCOMPLETE
        return self._world.interact(kind, user, channel, payload, name=command["name"], command_type=CHAT_INPUT)

    def context_menu(self, user: User, channel: Channel, name: str, message: Message) -> Interaction:
        """A command from a message's menu; it carries the whole message, whatever the intents."""
        command, _ = self._command(user, channel, name, MESSAGE)
        shown = payloads.message_payload(message, self._world.bot)
        payload = {
            "id": command["id"],
            "name": command["name"],
            "type": MESSAGE,
            "target_id": str(message.id),
            "resolved": {"messages": {str(message.id): shown}},
        }
        return self._world.interact(COMMAND, user, channel, payload, name=name, command_type=MESSAGE)

    def _resolved(self, found: Mapping[str, Mapping[str, object]], channel: Channel) -> Json:
        resolved: Json = {}
        for key, user in found.get("users", {}).items():
            assert isinstance(user, User)
            resolved.setdefault("users", {})[key] = payloads.user_payload(user)
            if channel.guild is not None:
                member = payloads.member_payload(user, channel.guild)
                del member["user"]
                resolved.setdefault("members", {})[key] = member
        for key, place in found.get("channels", {}).items():
            assert isinstance(place, Channel)
            shown = payloads.channel_payload(place, self._world.bot)
            resolved.setdefault("channels", {})[key] = {**shown, "permissions": str(payloads.ALL_PERMISSIONS)}
        return resolved

    # Components ---------------------------------------------------------------------------------------------

    def press(self, user: User, message: Message, custom_id: str, values: list[str] | None = None) -> Interaction:
        """A button pressed, or values chosen in a select; the component may be named by its label.

        Raises:
            NotOffered: It is not there, disabled, a link, or the message is another person's alone.
        """
        if message.deleted or (message.visible_to is not None and message.visible_to is not user):
            raise NotOffered(f"{user} does not see {message}")
        try:
            component = message.component(custom_id)
        except LookupError as error:
            raise NotOffered(str(error)) from None
        if component.get("disabled") or "custom_id" not in component:
            raise NotOffered(f"{custom_id!r} cannot be pressed")
        payload: Json = {
            "custom_id": component["custom_id"],
            "component_type": component["type"],
            "id": component["id"],
        }
        if component["type"] in SELECTS:
            offered = [option["value"] for option in component.get("options") or []]
            if component["type"] == 3 and not set(values or []) <= set(offered):
                raise NotOffered(f"{values} are none of {offered}")
            payload["values"] = values or []
        name = component["custom_id"]
        return self._world.interact(COMPONENT, user, message.channel, payload, message=message, name=name)

    def submit(self, user: User, opened: Interaction, values: Mapping[str, str]) -> Interaction:
        """A modal filled in, by custom id or label.

        Raises:
            NotOffered: The interaction opened no modal for this person, it was submitted before, or has no such field.
            ValueError: A required field is missing, or a text is too short or too long.
        """
        if opened.modal is None or opened.user is not user:
            raise NotOffered(f"{opened} opened no modal for {user}")
        if opened.is_submitted:
            raise NotOffered(f"the modal of {opened} was submitted before")
        left = dict(values)
        components = [self._filled(part, left) for part in opened.modal["components"]]
        if left:
            known = [one["custom_id"] for one in walk(opened.modal["components"]) if "custom_id" in one]
            raise NotOffered(f"the modal has no field {', '.join(left)}; known: {', '.join(known)}")
        opened.is_submitted = True
        payload = {"custom_id": opened.modal["custom_id"], "components": components}
        name = opened.modal["custom_id"]
        return self._world.interact(SUBMIT, user, opened.channel, payload, message=opened.message, name=name)

    def _filled(self, part: Json, left: dict[str, str]) -> Json:
        """One part of a modal as it is submitted; takes what it uses out of `left`."""
        if part["type"] == ROW:
            return {
                "type": ROW,
                "id": part.get("id", 0),
                "components": [_field(one, one["label"], left) for one in part["components"]],
            }
        if part["type"] == LABEL:
            return {"type": LABEL, "id": part.get("id", 0), "component": _field(part["component"], part["label"], left)}
        return {"type": part["type"], "id": part.get("id", 0)}


def _field(field: Json, label: str, left: dict[str, str]) -> Json:
    value = left.pop(field["custom_id"], None)
    if value is None:
        value = left.pop(label, field.get("value") or "")
    if not value and field.get("required", True):
        raise ValueError(f"{label!r} must be filled in")
    least, most = field.get("min_length") or 0, field.get("max_length") or 4000
    if value and not least <= len(value) <= most:
        raise ValueError(f"{label!r} has {len(value)} characters, not {least} to {most}")
    answer = {"values": [value]} if field["type"] in SELECTS else {"value": value}
    return {"type": field["type"], "id": field.get("id", 0), "custom_id": field["custom_id"], **answer}
