"""downloads.py SOURCE: wget goes on with a part, aria2 and four threads write pieces as they come, in this directory."""
import http.server, os, random, re, subprocess, sys, threading, urllib.request

with open(sys.argv[1], "rb") as file:
    source = file.read()
STREAMS, PIECE = 4, 1 << 20


class Server(http.server.BaseHTTPRequestHandler):
    """Gives SOURCE, or a range of it."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(True)

    def do_HEAD(self):
        self.answer(False)

    def answer(self, with_body):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start, end = (int(wanted[1]), int(wanted[2] or len(source) - 1) + 1) if wanted else (0, len(source))
        body = source[start:end]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{len(source)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def check(name):
    with open(name, "rb") as file:
        assert file.read() == source, name


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/file"
for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]:
    os.environ.pop(name, None)

with open("continued", "wb") as file:
    file.write(source[:17_000_000])
subprocess.run(["wget", "-qc", "-O", "continued", url], check=True)
check("continued")

for allocation in "none", "prealloc", "falloc":
    streams = ["aria2c", "-q", "--no-conf", "-x4", "-s4", "-k1M", "--remote-time=false"]
    subprocess.run(streams + [f"--file-allocation={allocation}", "-o", f"aria2-{allocation}", url], check=True)
    check(f"aria2-{allocation}")

pieces = list(range(0, len(source), PIECE))
random.Random(5).shuffle(pieces)
target = os.open("threads", os.O_WRONLY | os.O_CREAT)


def fetch(starts):
    for start in starts:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-{start + PIECE - 1}"})
        os.pwrite(target, urllib.request.urlopen(request).read(), start)


threads = [threading.Thread(target=fetch, args=(pieces[number::STREAMS],)) for number in range(STREAMS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
os.close(target)
check("threads")
