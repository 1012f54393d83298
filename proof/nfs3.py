"""NFSv3 (RFC 1813) on a socket, for the programs beside this file: no kernel, no mount, several calls under way."""
import random, socket, struct

(GETATTR, LOOKUP, READ, WRITE, CREATE, MKDIR, REMOVE, RENAME, READDIR, READDIRPLUS, COMMIT) = (
    1, 3, 6, 7, 8, 9, 12, 14, 16, 17, 21)
UNSTABLE, FILE_SYNC = 0, 2
STALE, JUKEBOX = 70, 10008
ATTRIBUTES = 84  # bytes of a fattr3
HEADER = struct.Struct(">16I")


class Gone(Exception):
    """The connection ended."""


def opaque(b):
    return struct.pack(">I", len(b)) + b + b"\0" * (-len(b) % 4)


def handle(reply, at):
    """The file handle whose length is at an offset."""
    n = struct.unpack_from(">I", reply, at)[0]
    return bytes(reply[at + 4:at + 4 + n])


class Connection:
    """One connection. `send` and `receive` for calls that overlap, `call` for one that does not."""

    def __init__(self, port, timeout=60):
        self.xid = random.randrange(1 << 30)
        self.buffer = memoryview(bytearray(4 << 20))  # Holds at least one whole reply.
        self.start = self.end = 0
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        except OSError as e:
            raise Gone from e
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send([(1, opaque(b"/"))], program=100005)
        self.root = handle(self.receive()[1], 4)

    def send(self, calls, program=100003):
        """Sends calls (procedure, arguments) at once; the xid of the first, those after it count up."""
        first, parts = self.xid + 1, []
        for procedure, arguments in calls:
            self.xid += 1
            parts.append(HEADER.pack(0x80000000 | (60 + len(arguments)), self.xid, 0, 2, program, 3, procedure,
                                     1, 20, 0, 0, 0, 0, 0, 0, 0))
            parts.append(arguments)
        try:
            self.socket.sendall(b"".join(parts))
        except OSError as e:
            raise Gone from e
        return first

    def fill(self, wanted):
        """Reads until `wanted` bytes are there."""
        if self.start + wanted > len(self.buffer):
            left = self.end - self.start
            self.buffer[:left] = bytes(self.buffer[self.start:self.end])
            self.start, self.end = 0, left
        while self.end - self.start < wanted:
            try:
                n = self.socket.recv_into(self.buffer[self.end:])
            except OSError as e:
                raise Gone from e
            if n == 0:
                raise Gone
            self.end += n

    def receive(self):
        """(xid, results) of the next reply; the results are valid until the next call of this."""
        if self.start == self.end:
            self.start = self.end = 0
        self.fill(4)
        n = struct.unpack_from(">I", self.buffer, self.start)[0] & 0x7FFFFFFF
        self.fill(4 + n)
        reply = self.buffer[self.start + 4:self.start + 4 + n]
        self.start += 4 + n
        return struct.unpack_from(">I", reply)[0], reply[24:]

    def has_reply(self):
        """Whether `receive` would not have to read."""
        there = self.end - self.start
        return there >= 4 and there >= 4 + (struct.unpack_from(">I", self.buffer, self.start)[0] & 0x7FFFFFFF)

    def call(self, procedure, arguments):
        """(status, results) of one call, with none other under way."""
        xid = self.send([(procedure, arguments)])
        got, reply = self.receive()
        assert got == xid, "a reply to another call"
        return struct.unpack_from(">I", reply)[0], reply

    def made(self, procedure, arguments):
        """The handle of what a CREATE or MKDIR made."""
        status, reply = self.call(procedure, arguments)
        assert status == 0, "procedure %d answers %d" % (procedure, status)
        return handle(reply, 8)


def lookup_args(directory, name):
    return opaque(directory) + opaque(name)


def create_args(directory, name):
    return opaque(directory) + opaque(name) + struct.pack(">7I", 1, 0, 0, 0, 0, 0, 0)


def mkdir_args(directory, name):
    return opaque(directory) + opaque(name) + struct.pack(">6I", 0, 0, 0, 0, 0, 0)


def write_args(file, offset, data, stable=UNSTABLE):
    return b"".join((opaque(file), struct.pack(">QIII", offset, len(data), stable, len(data)), data,
                     b"\0" * (-len(data) % 4)))


def read_args(file, offset, count):
    return opaque(file) + struct.pack(">QI", offset, count)


def read_bytes(reply):
    """What a READ was answered."""
    at = 8 + (ATTRIBUTES if reply[7] else 0)
    count = struct.unpack_from(">I", reply, at)[0]
    return bytes(reply[at + 12:at + 12 + count])


def commit_args(file):
    return opaque(file) + struct.pack(">QI", 0, 0)


def directory_entries(connection, directory, plus, reply_bytes=64 << 10):
    """(name, inode, handle or None) of each entry but . and .., in the order of the answers."""
    cookie, verifier, ended = 0, b"\0" * 8, False
    while not ended:
        arguments = opaque(directory) + struct.pack(">Q", cookie) + verifier
        arguments += struct.pack(">II", reply_bytes // 4, reply_bytes) if plus else struct.pack(">I", reply_bytes)
        status, reply = connection.call(READDIRPLUS if plus else READDIR, arguments)
        assert status == 0, "READDIR answers %d" % status
        reply = bytes(reply)
        at = 8 + (ATTRIBUTES if reply[7] else 0)
        verifier = reply[at:at + 8]
        at += 8
        while reply[at + 3]:
            inode, n = struct.unpack_from(">QI", reply, at + 4)
            name = reply[at + 16:at + 16 + n]
            at += 16 + n + -n % 4
            cookie = struct.unpack_from(">Q", reply, at)[0]
            at += 8
            file = None
            if plus:
                at += 4 + (ATTRIBUTES if reply[at + 3] else 0)
                if reply[at + 3]:
                    file = handle(reply, at + 4)
                    at += 4 + len(file) + -len(file) % 4
                at += 4
            if name not in (b".", b".."):
                yield name, inode, file
        ended = reply[at + 7] != 0
