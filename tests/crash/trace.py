"""Reading a trace of the server's system calls: each 204 must be sent after its change was on the disk.

For each comment the order must be: its request is read from a socket; a page with the comment is written to the
write-ahead log; an fdatasync (or fsync) of that log begins after this and succeeds; the 204 is sent on the same
socket. The order is that of the lines in the trace: a call that was interrupted by another thread's has two,
where it began and where it ended.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

# Without it a write of a page would be shown in part.
SHOWN_BYTES = 8192
CALLS = "read,recvfrom,recvmsg,readv,write,pwrite64,writev,sendto,sendmsg,fdatasync,fsync"

_LINE = re.compile(r"(?P<thread>\d+) +(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<file>\d+<[^>]*>)(?P<text>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<text>.*)")
_UNFINISHED = " <unfinished ...>"
_COMMENT = re.compile(r'\\"comment\\": *\\"(?P<comment>[a-z0-9-]+)\\"')
_READS = frozenset({"read", "recvfrom", "recvmsg", "readv"})
_SYNCS = frozenset({"fdatasync", "fsync"})


@dataclass(frozen=True)
class Call:
    """A system call on a file, from the line where it began to the line where it ended."""

    name: str
    file: str
    text: str
    began: int
    ended: int

    @property
    def on_log(self) -> bool:
        """Whether the file is the write-ahead log."""
        return self.file.endswith("-wal>")

    @property
    def succeeded(self) -> bool:
        """Whether it returned without an error."""
        return re.search(r"\) += +\d+$", self.text) is not None


@dataclass
class Acknowledged:
    """A 204 and the request that it answers."""

    comment: str
    read: int
    sent: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Give each call in the order of their ends."""
    under_way: dict[str, Call] = {}
    for number, line in enumerate(lines):
        match = _LINE.match(line.rstrip("\n"))
        if match is None:
            continue
        thread, rest = match["thread"], match["rest"]
        if resumed := _RESUMED.match(rest):
            begun = under_way.pop(thread, None)
            if begun is not None:
                yield replace(begun, text=begun.text + resumed["text"], ended=number)
        elif found := _CALL.match(rest):
            call = Call(found["name"], found["file"], found["text"].removesuffix(_UNFINISHED), number, number)
            if rest.endswith(_UNFINISHED):
                under_way[thread] = call
            else:
                yield call


def acknowledgements(traced: Iterable[Call]) -> list[Acknowledged]:
    """Return every 204 with its request: on one socket, answers come in the order of requests."""
    asked: dict[str, list[tuple[str, int]]] = {}
    found = []
    for call in traced:
        if call.name in _READS and "socket:" in call.file:
            for match in _COMMENT.finditer(call.text):
                asked.setdefault(call.file, []).append((match["comment"], call.ended))
        elif "HTTP/1.1 " in call.text and asked.get(call.file):
            comment, read = asked[call.file].pop(0)
            if "HTTP/1.1 204" in call.text:
                found.append(Acknowledged(comment, read, call.began))
    return found


def unproven(lines: Iterable[str]) -> tuple[int, list[str]]:
    """Return how many 204s there are, and what is wrong with those whose change was not on the disk before."""
    traced = list(calls(lines))
    written = [call for call in traced if call.on_log and call.name not in _SYNCS]
    synced = [call for call in traced if call.on_log and call.name in _SYNCS and call.succeeded]
    answered = acknowledgements(traced)
    wrong = []
    for answer in answered:
        write = next(
            (call for call in written if call.began > answer.read and f'"{answer.comment}\\"' in call.text),
            None,
        )
        if write is None or write.ended > answer.sent:
            wrong.append(f"{answer.comment} was answered before it was written to the log")
        elif not any(write.ended < sync.began and sync.ended < answer.sent for sync in synced):
            wrong.append(f"{answer.comment} was answered before the log was synchronised")
    return len(answered), wrong
