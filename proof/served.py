"""A ZeroFS server on an S3 store of its own, for the programs beside this file."""
import http.server, itertools, multiprocessing, os, random, re, shutil, socket, subprocess, sys, threading, time
import urllib.parse

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODES = ("refuse", "hang", "busy", "slow", "expired")
SLOW = 30.0


class Handler(http.server.BaseHTTPRequestHandler):
    """As much of S3 as a volume needs: PUT with If-None-Match: *, GET of a range, LIST, DELETE."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.since = time.monotonic()
        self.server.connections.add(self.connection)

    def finish(self):
        self.server.connections.discard(self.connection)
        super().finish()

    def key(self):
        return urllib.parse.unquote(self.path.split("?")[0].lstrip("/").partition("/")[2])

    def file(self):
        return os.path.join(self.server.directory, self.key().replace("/", "%"))

    def answer(self, status, body=b"", **headers):
        self.weather()  # Again: it may have changed, with what was asked for done.
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code):
        self.answer(status, b"<Error><Code>%s</Code></Error>" % code.encode())

    def weather(self):
        """What is wrong with the store now, once it has been waited for."""
        server = self.server
        if self.since < server.deaf_until:
            time.sleep(1e6)  # Nobody is there for a connection that was open in an outage.
        while server.mode == "slow" and time.monotonic() - self.began < SLOW:
            time.sleep(0.05)
        if server.mode == "refuse":
            raise ConnectionError
        return server.mode

    def is_served(self):
        """Whether the request is to be done; else it was answered."""
        self.began = time.monotonic()
        time.sleep(self.server.latency + random.uniform(-1, 1) * self.server.spread)
        if self.server.mode == "hang" and next(self.server.turns) % 2:
            return True  # The answer is lost.
        mode = self.weather()
        if mode == "busy":
            self.error(503, "SlowDown")
        elif mode == "expired":
            self.error(403, "ExpiredToken")
        return mode not in ("busy", "expired")

    def do_PUT(self):
        put = Put(re.search("Credential=([^/]*)/", self.headers["Authorization"]).group(1), self.key())
        self.server.puts.append(put)
        try:
            self.put(put, int(self.headers["Content-Length"]))
        finally:
            put.ended = put.ended or time.monotonic()

    def put(self, put, size):
        server, left = self.server, size
        part = "%s.%d.part" % (self.file(), threading.get_ident())
        new = False
        try:
            with open(part, "wb") as f:
                while left:
                    data = self.rfile.read(min(left, 1 << 20))
                    if not data:
                        break
                    left -= len(data)
                    f.write(data)
            if left or not self.is_served():
                return
            while put.writer in server.held:
                time.sleep(0.01)
            with server.lock:
                new = self.key() not in server.keys
                if new:
                    os.rename(part, self.file())
                    server.keys[self.key()] = size
                    put.created = time.monotonic()
        finally:
            if not new:
                os.unlink(part)
        put.ended = time.monotonic()
        if new:
            self.answer(200, ETag='"1"')
        else:
            self.error(412, "PreconditionFailed")

    def do_GET(self):
        if not self.is_served():
            return
        if not self.key():
            self.list(dict(urllib.parse.parse_qsl(self.path.partition("?")[2])))
            return
        size = self.server.keys.get(self.key())
        if size is None:
            self.error(404, "NoSuchKey")
            return
        first, last = re.match(r"bytes=(\d*)-(\d*)", self.headers["Range"]).groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first else size
        if start >= end:
            self.error(416, "InvalidRange")
            return
        with open(self.file(), "rb") as f:
            body = os.pread(f.fileno(), end - start, start)
        self.answer(206, body, Content_Range="bytes %d-%d/%d" % (start, end - 1, size))

    def list(self, query):
        with self.server.lock:
            found = sorted(k for k in self.server.keys
                           if k.startswith(query.get("prefix", "")) and k > query.get("start-after", ""))
        xml = "".join("<Contents><Key>%s</Key><Size>%d</Size></Contents>" % (k, self.server.keys[k])
                      for k in found[:int(query.get("max-keys", 1000))])
        self.answer(200, ("<ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>" % xml).encode())

    def do_DELETE(self):
        if not self.is_served():
            return
        with self.server.lock:
            if self.server.keys.pop(self.key(), None) is not None:
                os.unlink(self.file())
        self.answer(204)

    def log_message(self, *_):
        pass


class Put:
    """A PUT: who signed it, its key, when it came, made the object (None = did not) and was answered, or broken off."""
    def __init__(self, writer, key):
        self.writer, self.key, self.came = writer, key, time.monotonic()
        self.created = self.ended = None


class Listener(http.server.ThreadingHTTPServer):
    """The store: objects are files in a directory, each request takes `latency` seconds more, give or take `spread`."""
    request_queue_size = 128
    directory, latency, spread, keys, lock = None, 0, 0, {}, threading.Lock()
    puts, held = [], ()
    mode, deaf_until, connections, turns = "well", 0, set(), itertools.count()

    def handle_error(self, request, address):
        pass  # A client that is gone.


def serve(directory, latency, spread, pipe):
    """Serves until it is told None; told a mode, the store is like that from then on. Told the name of a method of
    Requests and an argument, it does that.

    refuse: connections end, and none can be made. hang: nothing is answered, nor will be what comes over a connection
    that was open meanwhile; what was sent may have been done. busy: 503. slow: 30 s for each answer, as long as it
    lasts. expired: 403.
    """
    Listener.directory, Listener.latency, Listener.spread = directory, latency, spread
    listener, port = None, 0
    while True:
        if Listener.mode == "refuse":
            for each in list(Listener.connections):
                try:
                    each.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It has ended.
        elif listener is None:
            listener = Listener(("127.0.0.1", port), Handler)
            port = listener.server_address[1]
            threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
        pipe.send(port)
        mode = pipe.recv()
        while isinstance(mode, tuple):
            pipe.send(getattr(Requests, mode[0])(mode[1]))
            mode = pipe.recv()
        if mode is None:
            return
        if mode == "refuse":
            listener.shutdown()
            listener.server_close()
            listener = None
        if mode == "hang":
            Listener.deaf_until = float("inf")
        elif Listener.mode == "hang":
            Listener.deaf_until = time.monotonic()
        Listener.mode = mode


class Requests:
    """What a store can be asked beside its mode."""

    def hold(writers):
        Listener.held = writers

    def puts(since):
        return [each for each in list(Listener.puts) if each.ended is None or each.ended >= since]


class Store:
    """An S3 store in a process of its own, with its objects below a directory."""

    def __init__(self, directory, latency, spread=0):
        self.pipe, theirs = multiprocessing.Pipe()
        self.lock = threading.Lock()
        self.process = multiprocessing.Process(target=serve, args=(directory, latency, spread, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.port = self.answer()

    def become(self, mode):
        """One of MODES, or "well"."""
        self.ask(mode)

    def hold(self, *writers):
        """PUTs signed by these access keys are done and answered only when others, or none, are held."""
        self.ask(("hold", writers))

    def puts(self, since):
        """PUTs that had not ended at a monotonic time, or came later."""
        return self.ask(("puts", since))

    def ask(self, message):
        with self.lock:
            self.pipe.send(message)
            return self.answer()

    def answer(self):
        if not self.pipe.poll(60):
            sys.exit("the store does not answer")
        return self.pipe.recv()

    def end(self):
        self.process.terminate()
        self.process.join()


def configuration(store, directory, sections, key="nobody"):
    """The file of a server on the store, which signs with an access key; `sections` are more of it."""
    file = directory + "/zerofs.toml"
    with open(file, "w") as f:
        f.write("""[storage]
url = "s3://bucket/volume"
encryption_password = "scratch"
[aws]
endpoint = "http://127.0.0.1:%d"
allow_http = true
access_key_id = "%s"
secret_access_key = "checks"
[admin]
socket = "%s/admin.socket"
""" % (store.port, key, directory) + sections)
    return file


def command(config, *arguments):
    return [os.path.join(HERE, "zerofs"), "run", "-c", config, *arguments]


def ask(directory, request):
    """An answer of the admin socket of the server whose configuration is in a directory."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(directory + "/admin.socket")
        s.sendall(request.encode() + b"\n")
        answer = b""
        while part := s.recv(65536):
            answer += part
    return answer.decode()


class Server:
    """The server of a configuration, started; `said` is what it said on standard output until it was ready."""

    def __init__(self, config, log, *arguments, environment=None):
        self.process = subprocess.Popen(command(config, *arguments), stdout=subprocess.PIPE, stderr=log, text=True,
                                        env=environment)
        self.said = []
        late = threading.Timer(300, self.process.kill)
        late.start()
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("serving metrics"):
                self.metrics = line.split()[-1]
            if line.startswith("serving NFS"):
                self.port = int(line.rsplit(":", 1)[1])
            if line.startswith("ready"):
                late.cancel()
                threading.Thread(target=shutil.copyfileobj, args=(self.process.stdout, log), daemon=True).start()
                return
        late.cancel()
        sys.exit("the server did not start")

    def stop(self):
        """Its exit code."""
        self.process.terminate()
        return self.process.wait()

    def peak(self):
        """VmHWM in MiB."""
        status = open("/proc/%d/status" % self.process.pid).read()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024
