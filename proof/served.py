"""A ZeroFS server on an S3 store of its own, for the programs beside this file."""
import http.server, itertools, multiprocessing, os, re, shutil, socket, subprocess, sys, threading, time, urllib.parse

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
        time.sleep(self.server.latency)
        if self.server.mode == "hang" and next(self.server.turns) % 2:
            return True  # The answer is lost.
        mode = self.weather()
        if mode == "busy":
            self.error(503, "SlowDown")
        elif mode == "expired":
            self.error(403, "ExpiredToken")
        return mode not in ("busy", "expired")

    def do_PUT(self):
        server, size = self.server, int(self.headers["Content-Length"])
        part, left = "%s.%d.part" % (self.file(), threading.get_ident()), size
        with open(part, "wb") as f:
            while left:
                data = self.rfile.read(min(left, 1 << 20))
                if not data:
                    break
                left -= len(data)
                f.write(data)
        new = False
        try:
            if left or not self.is_served():
                return
            with server.lock:
                new = self.key() not in server.keys
                if new:
                    os.rename(part, self.file())
                    server.keys[self.key()] = size
        finally:
            if not new:
                os.unlink(part)
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


class Listener(http.server.ThreadingHTTPServer):
    """The store: objects are files in a directory, each request takes `latency` seconds more."""
    request_queue_size = 128
    directory, latency, keys, lock = None, 0, {}, threading.Lock()
    mode, deaf_until, connections, turns = "well", 0, set(), itertools.count()

    def handle_error(self, request, address):
        pass  # A client that is gone.


def serve(directory, latency, pipe):
    """Serves until it is told None; told a mode, the store is like that from then on.

    refuse: connections end, and none can be made. hang: nothing is answered, nor will be what comes over a connection
    that was open meanwhile; what was sent may have been done. busy: 503. slow: 30 s for each answer, as long as it
    lasts. expired: 403.
    """
    Listener.directory, Listener.latency = directory, latency
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


class Store:
    """An S3 store in a process of its own, with its objects below a directory."""

    def __init__(self, directory, latency):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(directory, latency, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.port = self.answer()

    def become(self, mode):
        """One of MODES, or "well"."""
        self.pipe.send(mode)
        self.answer()

    def answer(self):
        if not self.pipe.poll(60):
            sys.exit("the store does not answer")
        return self.pipe.recv()

    def end(self):
        self.process.terminate()
        self.process.join()


def configuration(store, directory, sections):
    """The file of a server on the store; `sections` are more of it."""
    file = directory + "/zerofs.toml"
    with open(file, "w") as f:
        f.write("""[storage]
url = "s3://bucket/volume"
encryption_password = "scratch"
[aws]
endpoint = "http://127.0.0.1:%d"
allow_http = true
access_key_id = "nobody"
secret_access_key = "checks"
[admin]
socket = "%s/admin.socket"
""" % (store.port, directory) + sections)
    return file


class Server:
    """The server of a configuration, started."""
    def __init__(self, config, log):
        self.process = subprocess.Popen([os.path.join(HERE, "zerofs"), "run", "-c", config], stdout=subprocess.PIPE,
                                        stderr=log, text=True)
        late = threading.Timer(300, self.process.kill)
        late.start()
        for line in self.process.stdout:
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
