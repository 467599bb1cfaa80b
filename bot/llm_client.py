"""Any endpoint that speaks OpenAI's chat completions, as a stream of text; every way to fail is one error.

The one module that imports `openai`, and only when a model is asked. Knows nothing about prompts or evidence. The key
goes into the request's header and nowhere else; of what a server says when it refuses, the status alone is kept, for
servers repeat keys and texts in their sentences.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bot.llm_prompts import Message
from bot.llm_settings import LlmSettings
from index.errors import LanguageModelFailed, SettingsError

if TYPE_CHECKING:
    import openai

log = logging.getLogger(__name__)

# A model that writes more than it was asked for is stopped; no token is longer than this on average.
MAX_CHARS_PER_TOKEN = 12
CONNECT_S = 10.0


class ChatModel(Protocol):
    """Writes text.

    Attributes:
        name: For logs.
    """

    name: str

    def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str, None]:
        """Pieces of the reply as they come; ends where the model has ended by itself.

        Raises:
            LanguageModelFailed: There is no whole reply, for whatever reason. `is_cut_off` tells that it was whole but
                for its length.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class RemoteModel:
    """A model behind an address.

    Args:
        settings: With an address and a model's name.

    Raises:
        SettingsError: The client library is not installed.
    """

    def __init__(self, settings: LlmSettings) -> None:
        try:
            import openai
        except ImportError:
            raise SettingsError(
                "The client for language models is not installed; run `pip install 'newsquote[llm]'`, or unset "
                "NEWSQUOTE_LLM_URL."
            ) from None
        # The library would send what they say, organisations and headers with secrets, to whatever endpoint is ours.
        for name in [name for name in os.environ if name.startswith("OPENAI_")]:
            del os.environ[name]
        for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            # They write addresses, and at debug level whole requests, into the log.
            logging.getLogger(name).setLevel(logging.WARNING)
        self.name = settings.llm_model
        self._openai = openai
        self._settings = settings
        self._client: openai.AsyncOpenAI | None = None

    def _connected(self) -> openai.AsyncOpenAI:
        if self._client is None:
            settings = self._settings
            self._client = self._openai.AsyncOpenAI(
                base_url=settings.llm_url,
                # The library insists on a key; servers without keys do not look at it.
                api_key=settings.llm_key.get_secret_value() or "none",
                timeout=self._openai.Timeout(settings.llm_timeout_s, connect=min(CONNECT_S, settings.llm_timeout_s)),
                max_retries=0,
            )
        return self._client

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str, None]:
        """As `ChatModel.stream`."""
        limit_s = self._settings.llm_timeout_s
        deadline_s = asyncio.get_running_loop().time() + limit_s
        with self._translated():
            request = self._connected().chat.completions.create(**self._request(messages, max_tokens))
            response = await asyncio.wait_for(request, limit_s)
            pieces = _pieces(_events(response, deadline_s), max_tokens * MAX_CHARS_PER_TOKEN)
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    yield piece

    def _request(self, messages: Sequence[Message], max_tokens: int) -> dict[str, Any]:
        request: dict[str, Any] = {
            "model": self._settings.llm_model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "stream": True,
        }
        # Local servers know the old name of this field, OpenAI's newer models the new one alone.
        is_openai = (self._connected().base_url.host or "").endswith(".openai.com")
        request["max_completion_tokens" if is_openai else "max_tokens"] = max_tokens
        if self._settings.llm_temperature >= 0:
            request["temperature"] = self._settings.llm_temperature
        return request

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Every foreign failure as `LanguageModelFailed`."""
        lib = self._openai
        try:
            yield
        except LanguageModelFailed:
            raise
        except (TimeoutError, lib.APITimeoutError):
            raise LanguageModelFailed("timeout", f"within {self._settings.llm_timeout_s:g} s") from None
        except lib.RateLimitError:
            raise LanguageModelFailed("busy", "status 429") from None
        except lib.APIStatusError as error:
            raise LanguageModelFailed("rejected", f"status {error.status_code}") from None
        except lib.APIConnectionError:
            raise LanguageModelFailed("unreachable", "no connection") from None
        except lib.APIError:
            raise LanguageModelFailed("rejected", "an error instead of a reply") from None
        except OSError as error:
            raise LanguageModelFailed("unreachable", type(error).__name__) from None
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            raise LanguageModelFailed("malformed", type(error).__name__) from None
        except Exception as error:
            # The transport's own errors come through while a stream is read; its package's name changes.
            if not type(error).__module__.startswith(("httpx", "httpcore", "h11", "anyio")):
                raise
            why = "timeout" if "Timeout" in type(error).__name__ else "unreachable"
            raise LanguageModelFailed(why, type(error).__name__) from None

    async def close(self) -> None:
        """As `ChatModel.close`."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


async def _pieces(events: AsyncGenerator[Any, None], max_chars: int) -> AsyncGenerator[str, None]:
    """The text of a stream's events, each looked at before it is believed.

    Raises:
        LanguageModelFailed: An event is none, the model refuses, or the stream ends before the reply does.
    """
    finish, n_chars = None, 0
    async with contextlib.aclosing(events):
        async for event in events:
            choices = event.choices
            if not choices:
                continue  # some servers end with the usage alone
            delta, finish = choices[0].delta, choices[0].finish_reason or finish
            if getattr(delta, "refusal", None):
                raise LanguageModelFailed("refused", "the model refused")
            piece = getattr(delta, "content", None)
            if piece is None:
                continue
            if not isinstance(piece, str):
                raise LanguageModelFailed("malformed", "text that is none")
            n_chars += len(piece)
            if n_chars > max_chars:
                raise LanguageModelFailed("too long", f"over {max_chars} characters")
            yield piece
    match finish:
        case "stop":
            return
        case "length" if not n_chars:
            raise LanguageModelFailed("only thinking", "cut off before its first word")
        case "length":
            raise LanguageModelFailed("too long", "cut off at its bound")
        case "content_filter":
            raise LanguageModelFailed("refused", "a content filter")
        case None:
            raise LanguageModelFailed("unreachable", "the stream ended before the reply")
        case _:
            raise LanguageModelFailed("malformed", "an end that is none")


async def _events(response: Any, deadline_s: float) -> AsyncGenerator[Any, None]:
    """The events of a stream until a moment of the event loop's clock; the time that the reader takes counts too.

    Raises:
        LanguageModelFailed: There are none, and what came is another kind of document.
        TimeoutError: It is not at its end by then.
    """
    loop = asyncio.get_running_loop()
    iterator: AsyncIterator[Any] = response.__aiter__()
    is_empty = True
    try:
        while True:
            try:
                event = await asyncio.wait_for(anext(iterator), max(0.0, deadline_s - loop.time()))
            except StopAsyncIteration:
                if is_empty and "event-stream" not in response.response.headers.get("content-type", ""):
                    raise LanguageModelFailed("malformed", "no stream of events") from None
                return
            is_empty = False
            yield event
    finally:
        await response.close()
