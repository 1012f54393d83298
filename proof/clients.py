"""NFS clients that know what they asked for and what was answered, and find out what became of it."""
import queue, random, socket, struct, threading, time

import nfs3

FILES_MAX, BLOCK, BLOCKS_MAX, PAUSE = 25, 1000, 1000, 0.04
PATIENCE = 300
now = time.monotonic


def block(client, number):
    return (b"%d:%d:" % (client, number) * BLOCK)[:BLOCK]


def blocks(client, data):
    """The number of the call that wrote each block; a block that no call wrote stands for itself."""
    numbers = []
    for at in range(0, len(data), BLOCK):
        part = data[at:at + BLOCK]
        words = part.split(b":", 2)
        is_known = words[0] == b"%d" % client and words[1].isdigit() and part == block(client, int(words[1]))
        numbers.append(int(words[1]) if is_known else part[:20])
    return tuple(numbers)


def same(file, found):
    """Whether a file (handle, blocks) is what was found; None = there is none, a handle of None = not known."""
    if file is None or found is None:
        return file is found
    return file[0] in (None, found[0]) and file[1] == found[1]


class Call:
    """A call that changes something: names and what they stand for afterwards (None = nothing)."""

    def __init__(self, changes):
        self.sent, self.changes, self.answered, self.is_stable = now(), changes, None, False


class Turn:
    """What a client finds when it turns to another server: how it was after `least` to `most` of its calls."""

    def __init__(self, client, found):
        self.calls, self.stable, self.least, self.most = client.calls, client.stable, None, None
        state = dict(client.before)
        wrong = {name for name in state.keys() | found.keys() if not same(state.get(name), found.get(name))}
        nearest = (len(wrong), 0, sorted(wrong)[:3])
        for n in range(len(self.calls) + 1):
            for name, file in self.calls[n - 1].changes.items() if n else ():
                state[name] = file
                (wrong.discard if same(file, found.get(name)) else wrong.add)(name)
            if not wrong:
                self.least, self.most = n if self.least is None else self.least, n
            nearest = min(nearest, (len(wrong), n, sorted(wrong)[:3]))
        if self.most is None:
            client.bad.append("%s: not what it was after any of %d calls (%d were stored when answered); nearest is "
                              "call %d, but for %d files, as %s" % (
                                  client.name, len(self.calls), client.floor, nearest[1], nearest[0], nearest[2]))
            self.least, self.most = 0, len(self.calls)
        elif self.most < client.floor:
            client.bad.append("%s: what it was after call %d of %d, and call %d was stored when it was answered" % (
                client.name, self.most, len(self.calls), client.floor))


class Client(threading.Thread):
    """Works in a directory of its own: on the servers that are put into `servers`, on each as long as it answers.

    For each it puts into `turns` what it found there first. What is wrong goes into `bad`.
    """

    def __init__(self, number, seed, bad, directory):
        super().__init__(name="client %d" % number, daemon=True)
        self.number, self.bad, self.directory = number, bad, directory
        self.random = random.Random("%d %d" % (seed, number))
        self.turns, self.servers, self.is_working = queue.Queue(), queue.Queue(), True
        self.count, self.is_alone = 0, False
        self.know({})

    def know(self, files):
        """What is there: name -> (handle, blocks). Calls before, and which of them were stored, matter no more."""
        self.before, self.files, self.calls, self.stable, self.floor = files, dict(files), [], [], 0
        self.made, self.written = [], {}

    def run(self):
        try:
            while (server := self.servers.get(timeout=PATIENCE)) is not None:
                self.server, self.connection, self.is_alone = server, nfs3.Connection(server.port), False
                self.turn()
                try:
                    while self.is_working:
                        self.step()
                        time.sleep(self.random.uniform(0, PAUSE))
                except nfs3.Gone:
                    self.is_alone = True
        except BaseException as e:
            self.bad.append("%s: %s %s" % (self.name, type(e).__name__, e))
            self.turns.put(None)

    def leave(self):
        """Called by another thread: it waits no longer for an answer."""
        try:
            self.connection.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The server has left it.

    def turn(self):
        found = self.found(self.connection)
        turn = Turn(self, found)
        for count, file in self.made:
            status = self.connection.call(nfs3.GETATTR, nfs3.opaque(file))[0] if count > turn.most else nfs3.STALE
            if status != nfs3.STALE:
                self.bad.append("%s: the handle of a file that is lost answers %d" % (self.name, status))
        self.know(found)
        self.turns.put(turn)

    def found(self, connection):
        entries = [(name, file) for name, _, file in nfs3.directory_entries(connection, self.directory, True)]
        found, sent = {}, {}
        while entries or sent:
            while entries and len(sent) < 8:
                name, file = entries.pop()
                sent[connection.send([(nfs3.READ, nfs3.read_args(file, 0, 1 << 20))])] = (name, file)
            xid, reply = connection.receive()
            name, file = sent.pop(xid)
            status = struct.unpack_from(">I", reply)[0]
            if status == nfs3.JUKEBOX:
                entries.append((name, file))
            elif status:
                self.bad.append("%s: READ of %s answers %d" % (self.name, name, status))
            else:
                found[name] = (file, blocks(self.number, nfs3.read_bytes(reply)))
        return found

    def call(self, procedure, arguments, changes, is_stable=True):
        """Whether it was done."""
        call = Call(changes)
        self.calls.append(call)
        status, reply = self.connection.call(procedure, arguments)
        if status == nfs3.JUKEBOX:
            self.calls.pop()
            return False
        assert status == 0, "procedure %d answers %d" % (procedure, status)
        if procedure == nfs3.CREATE:
            (name,) = changes
            changes[name] = (nfs3.handle(reply, 8), ())
            self.made.append((len(self.calls), changes[name][0]))
        call.answered, call.is_stable = now(), is_stable
        if is_stable:
            self.note_stable(len(self.calls))
        for name, file in changes.items():
            self.files.pop(name, None)
            if file:
                self.files[name] = file
        return True

    def note_stable(self, count):
        """The calls so far have a stable answer."""
        self.stable.append((count, now()))
        if self.server.durability == "store":
            self.floor = max(self.floor, count)

    def step(self):
        self.count += 1
        what = self.random.random()
        if len(self.files) < 5 or what < 0.2 and len(self.files) < FILES_MAX:
            name = b"f%d" % self.count
            self.call(nfs3.CREATE, nfs3.create_args(self.directory, name), {name: (None, ())})
            return
        name = self.random.choice(list(self.files))
        file, old = self.files[name]
        if what < 0.6:
            self.write(name, file, old)
        elif what < 0.75:
            status = self.connection.call(nfs3.COMMIT, nfs3.commit_args(file))[0]
            assert status in (0, nfs3.JUKEBOX), "COMMIT answers %d" % status
            if status == 0 and file in self.written:
                self.note_stable(self.written[file])
        elif what < 0.88:
            to = self.random.choice([b"r%d" % self.count] * 3 + list(self.files))
            if to != name:
                self.call(nfs3.RENAME, nfs3.lookup_args(self.directory, name) + nfs3.lookup_args(self.directory, to),
                          {name: None, to: (file, old)})
        else:
            self.call(nfs3.REMOVE, nfs3.lookup_args(self.directory, name), {name: None})

    def write(self, name, file, old):
        start = self.random.randint(0, len(old))
        many = min(self.random.randint(1, 200 if self.number < 2 else 12), BLOCKS_MAX - start)
        how = self.random.choice((nfs3.UNSTABLE, nfs3.UNSTABLE, nfs3.FILE_SYNC))
        new = old[:start] + (self.count,) * many + old[start + many:]
        arguments = nfs3.write_args(file, start * BLOCK, block(self.number, self.count) * many, how)
        if many and self.call(nfs3.WRITE, arguments, {name: (file, new)}, how == nfs3.FILE_SYNC):
            self.written[file] = len(self.calls)
