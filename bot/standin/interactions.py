"""REST for interactions: the one response in three seconds, and what a token allows for fifteen minutes."""

from __future__ import annotations

from bot.standin import payloads
from bot.standin.components import check_modal
from bot.standin.entities import Interaction, Message
from bot.standin.hub import Change
from bot.standin.rest import Answer, Call, Handler, edit_message
from bot.standin.rules import check_choices, check_message
from bot.standin.wire import CHAT_INPUT, CONTEXT_MENU, DEFAULT, EPHEMERAL, LOADING, ApiError, Json, invalid, unknown
from bot.standin.world import World

COMMAND, COMPONENT, AUTOCOMPLETE, SUBMIT = 2, 3, 4, 5
MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
# A user-installed application outside the servers it is a member of.
FOLLOWUPS_ELSEWHERE = 5


class InteractionRest:
    """Handlers for interaction callbacks and for the webhook that an interaction's token opens.

    Args:
        world: Where interactions are.
        respond_s: How long the first response may take.
        token_s: How long a token is valid.
    """

    def __init__(self, world: World, respond_s: float, token_s: float) -> None:
        self._world = world
        self._respond_s = respond_s
        self._token_s = token_s

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, route, handler; in the order in which they are to be tried."""
        original = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
        message = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        return [
            ("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self.respond),
            ("POST", "/webhooks/{webhook_id}/{webhook_token}", self.follow_up),
            ("GET", original, self.read),
            ("PATCH", original, self.edit),
            ("DELETE", original, self.delete),
            ("GET", message, self.read),
            ("PATCH", message, self.edit),
            ("DELETE", message, self.delete),
        ]

    def expire(self, interaction: Interaction) -> None:
        """Ends an interaction that had no response in time; nothing where it had one."""
        if interaction.state == "pending":
            interaction.state = "expired"
            self._changed(interaction, "expired")

    # The response -------------------------------------------------------------------------------------------

    async def respond(self, call: Call) -> Answer:
        """The first response to an interaction."""
        interaction = self._world.interactions.get(call.ids["interaction_token"])
        if interaction is None or interaction.id != call.id("interaction_id"):
            raise unknown("Interaction")
        if self._world.clock() - interaction.created_at > self._respond_s:
            self.expire(interaction)
        if interaction.state == "expired":
            raise unknown("Interaction")
        if interaction.callbacks:
            raise ApiError(400, 40060, "Interaction has already been acknowledged.")
        kind, data = call.fields.get("type"), call.fields.get("data") or {}
        if kind not in self._kinds(interaction):
            raise invalid(("type",), "INTERACTION_CALLBACK_TYPE", f"Type {kind} does not answer this interaction.")
        message = self._accept(interaction, kind, data)
        interaction.callbacks.append(kind)
        interaction.responded_at = self._world.clock()
        interaction.state = "deferred" if kind in (DEFER, DEFER_UPDATE) else "answered"
        self._changed(interaction, interaction.state)
        if call.query.get("with_response") not in ("1", "true"):
            return None
        return self._response(interaction, kind, message)

    @staticmethod
    def _kinds(interaction: Interaction) -> tuple[int, ...]:
        match interaction.type:
            case 4:
                return (CHOICES,)
            case 3:
                return (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, MODAL)
            case 5:
                # A modal that a button opened can change the button's message; one that a command opened cannot.
                return (MESSAGE, DEFER) if interaction.message is None else (MESSAGE, DEFER, DEFER_UPDATE, UPDATE)
        return (MESSAGE, DEFER, MODAL)

    def _accept(self, interaction: Interaction, kind: int, data: Json) -> Message | None:
        """Carries out a response; nothing has happened where it is refused."""
        match kind:
            case 8:
                check_choices(data.get("choices"))
                interaction.choices = data["choices"]
                return None
            case 9:
                check_modal(data)
                interaction.modal = data
                return None
            case 6:
                interaction.original = interaction.message
            case 7:
                assert interaction.message is not None
                edit_message(self._world, interaction.message, data)
                interaction.original = interaction.message
            case 5:
                interaction.original = self._post(interaction, {}, int(data.get("flags") or 0) & EPHEMERAL | LOADING)
            case _:
                check_message(data)
                interaction.original = self._post(interaction, data, int(data.get("flags") or 0) & EPHEMERAL)
        return interaction.original

    def _response(self, interaction: Interaction, kind: int, message: Message | None) -> Json:
        resource: Json = {"type": kind}
        described: Json = {"id": str(interaction.id), "type": interaction.type}
        if message is not None:
            resource["message"] = payloads.message_payload(message, self._world.bot)
            described |= {
                "response_message_id": str(message.id),
                "response_message_loading": message.is_loading,
                "response_message_ephemeral": message.is_ephemeral,
            }
        return {"interaction": described, "resource": resource}

    # What the token allows ----------------------------------------------------------------------------------

    async def follow_up(self, call: Call) -> Answer:
        """A further message; the first one after a deferral takes the place of "thinking"."""
        interaction, body = self._opened(call), call.fields
        check_message(body)
        loading = interaction.original
        if loading is not None and loading.is_loading and not loading.deleted:
            self._finish(interaction, loading, body)
            return payloads.message_payload(loading, self._world.bot)
        guild = interaction.channel.guild
        if guild is not None and not guild.bot_is_member and len(interaction.followups) >= FOLLOWUPS_ELSEWHERE:
            raise ApiError(400, 40094, "This interaction has reached the maximum number of follow-up messages")
        message = self._post(interaction, body, int(body.get("flags") or 0) & EPHEMERAL, is_followup=True)
        interaction.followups.append(message)
        self._changed(interaction, "followed up")
        return payloads.message_payload(message, self._world.bot)

    async def read(self, call: Call) -> Answer:
        """A message of this interaction."""
        return payloads.message_payload(self._message(call, self._opened(call)), self._world.bot)

    async def edit(self, call: Call) -> Answer:
        """Changes a message of this interaction."""
        interaction = self._opened(call)
        message = self._message(call, interaction)
        self._finish(interaction, message, call.fields)
        return payloads.message_payload(message, self._world.bot)

    async def delete(self, call: Call) -> Answer:
        """Deletes a message of this interaction."""
        interaction = self._opened(call)
        self._world.remove(self._message(call, interaction))
        self._changed(interaction, "deleted")
        return None

    def _finish(self, interaction: Interaction, message: Message, body: Json) -> None:
        edit_message(self._world, message, body)
        if message is interaction.original and interaction.state == "deferred":
            interaction.state = "answered"
        self._changed(interaction, interaction.state)

    def _opened(self, call: Call) -> Interaction:
        """The interaction whose token opens this webhook: responded to, and not too old."""
        interaction = self._world.interactions.get(call.ids["webhook_token"])
        if interaction is None or call.id("webhook_id") != self._world.bot.id or not interaction.callbacks:
            raise unknown("Webhook")
        if self._world.clock() - interaction.created_at > self._token_s:
            raise ApiError(401, 50027, "Invalid Webhook Token")
        return interaction

    @staticmethod
    def _message(call: Call, interaction: Interaction) -> Message:
        known = [*interaction.followups, *([interaction.original] if interaction.original else [])]
        if "message_id" not in call.ids:
            known = known[len(interaction.followups) :]
            found = known[0] if known else None
        else:
            found = next((one for one in known if one.id == call.id("message_id")), None)
        if found is None or found.deleted:
            raise unknown("Message")
        return found

    def _post(self, interaction: Interaction, body: Json, flags: int, *, is_followup: bool = False) -> Message:
        kind = DEFAULT
        if interaction.type == COMMAND and not is_followup:
            kind = CHAT_INPUT if interaction.command_type == 1 else CONTEXT_MENU
        return self._world.post(
            interaction.channel,
            self._world.bot,
            body,
            kind=kind,
            flags=flags,
            interaction=interaction,
            visible_to=interaction.user if flags & EPHEMERAL else None,
        )

    def _changed(self, interaction: Interaction, step: str) -> None:
        self._world.hub.publish(
            Change("interaction", interaction.channel, interaction.original, interaction, interaction.user, step)
        )
