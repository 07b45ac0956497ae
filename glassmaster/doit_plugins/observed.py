"""Tasks that tell what they do while they run: in doit's own process, or in a worker of `doit -n`.

doit has no hook where a task runs: with its process runner the reporter stays behind in the master. So the reporter
gives the tasks another class, `ObservedTask`, which is the same task but passes on what its actions print, line by
line with the task's name, and the progress of its steps. From a worker that goes through a datagram socket that is made
before the workers are: a message arrives whole or not at all, and those of several workers never mix. A worker that is
forked inherits the socket; one that is not gets it with the pickled tasks.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from multiprocessing import context, reduction
from typing import Any

from doit.task import Task

from glassmaster.doit_plugins.progress import listening

Event = dict[str, Any]

# Longer lines are passed on in pieces: a datagram has to fit into the socket's buffer (200 KiB on Linux).
LINE_CHARACTERS = 8_000
_DATAGRAM_BYTES = 1 << 17


class Channel:
    """Events from worker processes to the master. Whoever sends never fails: it is only for showing."""

    def __init__(self, sender: socket.socket) -> None:
        self._sender: socket.socket | None = sender

    def send(self, event: Event) -> None:
        """Pass an event on; nothing happens when the master is gone."""
        if self._sender is not None:
            try:
                self._sender.send(json.dumps(event).encode("ascii"))
            except OSError:
                self._sender = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Only while a process is being started can a descriptor go with it; tasks are pickled at other times too.
        if self._sender is None or context.get_spawning_popen() is None:
            return (_no_channel, ())
        return (_rebuilt_channel, (reduction.DupFd(self._sender.fileno()),))


def _no_channel() -> None:
    return None


def _rebuilt_channel(duplicate: Any) -> Channel:
    return Channel(socket.socket(fileno=duplicate.detach()))


class _Here:
    """Where this process's tasks tell. master: the process of `local`; 0 in a worker that was not forked."""

    master = 0
    local: Callable[[Event], None] | None = None
    about_to_run: Callable[[Any], None] | None = None
    channel: Channel | None = None


class ObservedTask(Task):  # type: ignore[misc]  # doit has no type hints
    """A doit task whose output and progress go to the reporter."""

    def execute(self, stream: Any) -> Any:
        """Run the actions; doit calls this where they run."""
        send = _sender()
        if send is None:
            return super().execute(stream)
        name = self.name

        def tell(event: Event) -> None:
            send({**event, "task": name})

        tell({"event": "task-start"})
        if not self.io.capture:
            return super().execute(stream)  # it wants the terminal for itself
        tagged = _TaggedStream(tell)
        try:
            with listening(tell):
                return super().execute(tagged)
        finally:
            tagged.finish()

    def execute_teardown(self, stream: Any) -> Any:
        """Run the teardown, which doit does at the end of the process; it tells of a failure itself.

        doit does not count it as a failure of the run, and cannot report it from a worker.
        """
        send = _sender()
        if send is None:
            return super().execute_teardown(stream)
        tagged = _TaggedStream(lambda event: send({**event, "task": self.name}))
        try:
            fail = super().execute_teardown(tagged)
        finally:
            tagged.finish()
        if fail is not None:
            send({"event": "error", "message": f"{self.name}: its teardown failed: {fail.get_msg().strip()}"})
        return None

    def init_options(self, args: Any = None) -> Any:
        """doit calls this in the master when it has decided that the task runs."""
        if _Here.about_to_run is not None and os.getpid() == _Here.master:
            _Here.about_to_run(self)
        return super().init_options(args)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_channel": _Here.channel}

    def __setstate__(self, state: dict[str, Any]) -> None:
        channel = state.pop("_channel")
        if channel is not None:
            _Here.channel = channel
        self.__dict__.update(state)


def observe(task: Any) -> None:
    """Have a task tell what it does."""
    if type(task) is Task:
        task.__class__ = ObservedTask


def _sender() -> Callable[[Event], None] | None:
    if _Here.local is not None and os.getpid() == _Here.master:
        return _Here.local
    return _Here.channel.send if _Here.channel is not None else None


class _TaggedStream:
    """Stands for doit's Stream for one task: what is to be shown goes to `tell`."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._out = LineWriter(tell, "stdout")
        self._err = LineWriter(tell, "stderr")

    def _get_out_err(self, verbosity: int) -> tuple[LineWriter | None, LineWriter | None]:
        """doit's rule: 0 shows nothing, 1 standard error, 2 all. What is not shown is kept for the failure's log."""
        return (self._out if verbosity > 1 else None, self._err if verbosity > 0 else None)

    def finish(self) -> None:
        """Pass on what has no end of line."""
        self._out.finish()
        self._err.finish()


class LineWriter:
    """A text stream that passes on whole lines, without their ends. Threads of a step may share it."""

    encoding = "utf-8"

    def __init__(self, tell: Callable[[Event], None], name: str) -> None:
        self._tell = tell
        self._name = name
        self._rest = ""
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Take text; a carriage return ends a line as well, so that a program's own progress stays readable."""
        with self._lock:
            *lines, self._rest = (self._rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            while len(self._rest) > LINE_CHARACTERS:
                lines.append(self._rest[:LINE_CHARACTERS])
                self._rest = self._rest[LINE_CHARACTERS:]
            for line in lines:
                self._pass_on(line)
        return len(text)

    def flush(self) -> None:
        """Lines go out as soon as they are whole; there is nothing to do."""

    def isatty(self) -> bool:
        """Programs need not colour what is shown as plain lines."""
        return False

    def finish(self) -> None:
        """Pass on what has no end of line."""
        with self._lock:
            if self._rest:
                self._pass_on(self._rest)
                self._rest = ""

    def _pass_on(self, line: str) -> None:
        for start in range(0, len(line) or 1, LINE_CHARACTERS):
            piece = line[start : start + LINE_CHARACTERS]
            self._tell({"event": "output", "stream": self._name, "line": piece})


class Hub:
    """The master's side: hears the tasks of all processes, and calls `tick` now and then.

    hear: gets each event, in the order in which its task told it; from a thread that runs tasks here, or the hub's.
    tick: called about ten times a second when it is given; for a view that shows the time.
    """

    def __init__(self, hear: Callable[[Event], None], about_to_run: Callable[[Any], None]) -> None:
        self._hear = hear
        self._thread: threading.Thread | None = None
        self._barriers: list[threading.Event] = []
        self._receiver, self._own_sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        _Here.master, _Here.local, _Here.about_to_run = os.getpid(), hear, about_to_run
        _Here.channel = Channel(self._own_sender)
        # A worker that kept the receiving end open would wait for ever on the buffer of a master that was killed.
        os.register_at_fork(after_in_child=self._receiver.close)

    def start(self, tick: Callable[[], None] | None, tick_seconds: float = 0.1) -> None:
        """Listen in a thread from now on. Not before the workers were forked: they must not inherit a held lock."""
        if self._thread is None:
            self._receiver.settimeout(tick_seconds if tick else None)
            self._thread = threading.Thread(target=self._listen, args=(tick,), name="doit-events", daemon=True)
            self._thread.start()

    def catch_up(self) -> None:
        """Return when all that was sent before this call has been heard."""
        if self._thread is None:
            return
        barrier = threading.Event()
        self._barriers.append(barrier)
        self._own_sender.send(b"barrier")
        while self._thread.is_alive() and not barrier.wait(1.0):
            pass

    def stop(self) -> None:
        """Hear what is still to come, and end."""
        if self._thread is not None:
            self._own_sender.send(b"")
            self._thread.join()
            self._thread = None
        _Here.master, _Here.local, _Here.about_to_run, _Here.channel = 0, None, None, None
        self._receiver.close()
        self._own_sender.close()

    def _listen(self, tick: Callable[[], None] | None) -> None:
        try:
            while True:
                try:
                    data = self._receiver.recv(_DATAGRAM_BYTES)
                except TimeoutError:
                    data = b"tick"
                if tick is not None:
                    tick()
                if data == b"":
                    return
                if data == b"barrier":
                    self._barriers.pop(0).set()
                elif data != b"tick":
                    self._hear(json.loads(data))
        finally:
            self._receiver.close()  # whatever happened here: nobody may wait until somebody reads
