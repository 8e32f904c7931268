"""The worker at the other end of a session, and on which thread its answers come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import Message, Reply, WorkerError
from netbuilder.errors import NetbuilderError

Post = Callable[[Callable[[], None]], None]
OnReply = Callable[[Reply], None]
OnDone = Callable[[dict[str, Any] | NetbuilderError], None]


class Client(Protocol):
    """What a session needs of `engine.client.WorkerClient`."""

    def start(self) -> None: ...
    def close(self) -> None: ...
    def leave(self) -> None: ...
    def request(
        self, method: str, params: Mapping[str, Any], on_reply: Callable[[Reply], None] = ...
    ) -> int: ...
    def stop_training(self) -> None: ...


ClientFactory = Callable[[Callable[[Message], None]], Client]
_NOBODY = Reply(0, error=WorkerError("The worker is not running.", "Wait for it."))


class WorkerLink:
    """Starts a worker, asks it, and hears it on the thread that `post` leads to."""

    def __init__(
        self, post: Post, hear: Callable[[Message], None], factory: ClientFactory | None = None
    ) -> None:
        """`hear` gets what the worker says unasked, until the link is closed."""
        self._post = post
        self._hear = hear
        self._factory = factory or WorkerClient
        self._client: Client | None = None
        self._closed = False
        self.bring: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda params: {}
        """What is to go along with a request."""

    def start(self) -> bool:
        """Start the process, once; False if it was started before or the link is closed."""
        if self._client is not None or self._closed:
            return False
        self._client = self._factory(lambda message: self.later(lambda: self._hear(message)))
        return True

    def run(self) -> None:
        """Let the process that was started run; again, if it was given up."""
        if self._client is not None:
            self._client.start()

    def close(self, *, wait: bool) -> None:
        """End the process, or let it end by itself; nothing is heard afterwards."""
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            if wait:
                client.close()
            else:
                client.leave()

    @property
    def started(self) -> bool:
        """Whether there is a process to ask."""
        return self._client is not None

    def later(self, action: Callable[[], None]) -> None:
        """Do something on our thread, unless the link is closed by then."""
        self._post(lambda: None if self._closed else action())

    def ask(self, method: str, params: Mapping[str, Any], on_reply: OnReply) -> None:
        """Send a request; its reply comes on our thread unless the link was closed."""
        self.request(
            method,
            params,
            on_reply if self._client is None else lambda reply: self.later(lambda: on_reply(reply)),
        )

    def request(self, method: str, params: Mapping[str, Any], on_reply: OnReply) -> None:
        """Send a request from any thread; its reply comes on any."""
        client = self._client
        if client is None:
            on_reply(_NOBODY)
        else:
            client.request(method, {**params, **self.bring(params)}, on_reply)

    def answer(self, method: str, params: Mapping[str, Any], on_done: OnDone) -> None:
        """Ask; `on_done` hears the answer's object, or why there is none."""

        def replied(reply: Reply) -> None:
            if reply.error is not None:
                on_done(reply.error)
            elif isinstance(reply.result, Mapping):
                on_done(dict(reply.result))
            else:
                on_done(WorkerError(f"The worker's answer to '{method}' can't be read."))

        self.ask(method, params, replied)

    def stop_training(self) -> None:
        """End the training under way, within 10 s whatever the model does."""
        if self._client is not None:
            self._client.stop_training()
