"""A crowd of clients that are slow, silent or strangers, held by one thread; what they are told is kept."""

import collections
import resource
import socket

from test_bad_input import EMPTY, Signer

LINGER_BYTES = 4096


def allow_descriptors(count):
    """Raises this process's own soft limit; fails where the hard one is too low for the crowd."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= count, f"a crowd of {count} descriptors, and a hard limit of {hard}"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


class Crowd:
    """Connections by kind. `linger()` takes and gives a little on each, as a slow client does."""

    def __init__(self, store):
        self.store, self.members = store, collections.defaultdict(list)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        for members in self.members.values():
            for member in members:
                member.close()
        self.members.clear()

    def _connect(self, kind, request=b""):
        member = socket.socket()
        # Little is held on this side, so that the server's is what is measured.
        member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        member.settimeout(30)
        member.connect(("127.0.0.1", self.store.port))
        if request:
            member.sendall(request)
        self.members[kind].append(member)
        return member

    def _request(self, method, path, query="", payload=EMPTY, **fields):
        headers = Signer(self.store).headers(method, path, payload, query=query) | fields
        target = path + ("?" + query if query else "")
        return (f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode()

    def strangers(self, count):
        """Connections that say nothing."""
        for _ in range(count):
            self._connect("strangers")

    def readers(self, count, path):
        """Downloads of which the head is read."""
        for _ in range(count):
            self._connect("readers", self._request("GET", path))

    def uploads(self, count, bucket, size, sent):
        """Uploads that announce `size` bytes and have `sent` of them come."""
        body = bytes(sent)
        for number in range(count):
            request = self._request(
                "PUT", f"/{bucket}/stalled/{number}", payload="UNSIGNED-PAYLOAD", **{"content-length": str(size)})
            self._connect("uploads", request + body)

    def followers(self, count, bucket, cursor):
        """Followers of a feed with history behind their cursor."""
        query = f"cursor={cursor}&events=s3%3AObjectCreated%3A%2A"
        for _ in range(count):
            self._connect("followers", self._request("GET", f"/{bucket}", query))

    def statuses(self, kind):
        """How many of a kind were answered with which status; reads the first bytes of each, so once."""
        found = collections.Counter()
        for member in self.members[kind]:
            line = member.recv(12)
            found[int(line[9:12]) if line.startswith(b"HTTP/1.1 ") else "closed"] += 1
        return found

    def linger(self):
        """A little from each reader and follower, a little to each upload. Answers how many were let go by now, by kind."""
        gone = collections.Counter()
        for kind in ("readers", "followers", "uploads"):
            for member in self.members[kind]:
                member.setblocking(False)
                try:
                    if kind == "uploads":
                        member.send(bytes(LINGER_BYTES))
                    elif not member.recv(LINGER_BYTES):
                        gone[kind] += 1
                except BlockingIOError:
                    pass
                except OSError:
                    gone[kind] += 1
                member.setblocking(True)
        return gone
