"""Answers in a stream: one message a line, as it comes, over HTTP only."""

import http.client
import json
import socket

import grpc
from api import Http
from program import LIMIT, Case, until

PATH = "/api/v1/skald/stream"
LIST = {"subscriptions": [{"id": "l", "list": {"namespace": "default", "query": "WorkflowType = 'T'", "pageSize": 5}}]}


class Reader:
    """A stream that is being read."""

    def __init__(self, case, server, body, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.ui_port, timeout=LIMIT)
        case.addCleanup(self.connection.close)
        self.connection.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json", **headers})
        self.answer = self.connection.getresponse()

    def next(self, kind):
        """The next line of this type; heartbeats are passed over."""
        while True:
            line = self.answer.readline()
            if not line:
                raise AssertionError(f"the stream ended before {kind}")
            event = json.loads(line)
            if event["type"] == kind:
                return event
            if event["type"] != "heartbeat":
                raise AssertionError(f"wanted {kind}, got {event}")


class Stream(Case):
    def start_run(self, server, workflow_id):
        status, answer, _ = Http(server.ui_port).call(
            "POST", f"/api/v1/namespaces/default/workflows/{workflow_id}",
            {"workflowType": {"name": "T"}, "taskQueue": {"name": "q"}})
        self.assertEqual(status, 200, answer)
        return answer["runId"]

    def test_lines_come_as_things_happen(self):
        server = self.start("--store", "memory:", "--read-only-ui")  # reading is what it does
        other = self.start("--data-dir", self.folder / "b")
        self.assertEqual(Reader(self, server, LIST).answer.status, 200)
        reader = Reader(self, other, LIST)
        self.assertEqual(reader.answer.getheader("Content-Type"), "application/x-ndjson")
        self.assertEqual(reader.answer.getheader("Transfer-Encoding"), "chunked")
        self.assertEqual(reader.answer.getheader("Cache-Control"), "no-store")
        reader.next("hello")
        first = reader.next("list")
        self.assertEqual((first["subscription"], first["list"]["snapshot"]), ("l", True))
        run_id = self.start_run(other, "w")
        self.assertEqual(reader.next("list")["list"]["runIds"], [run_id])
        self.assertEqual(other.stop(), 0)
        reader.next("bye")
        self.assertEqual(reader.answer.read(), b"")  # a proper end

    def test_who_leaves_is_forgotten(self):
        server = self.start("--store", "memory:")

        def streams():
            return server.get("/metrics")[1].count("\nskald_push_streams 0\n") == 0
        reader = Reader(self, server, LIST)
        reader.next("hello")
        until("a stream is counted", streams)
        reader.connection.close()
        reader.answer.close()
        until("it is no more", lambda: not streams())

    def test_a_reader_that_does_not_read_costs_little(self):
        server = self.start("--store", "memory:")
        body = json.dumps(LIST)
        deaf = socket.create_connection(("127.0.0.1", server.ui_port))
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        deaf.sendall((f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
        reader = Reader(self, server, LIST)
        reader.next("hello")
        last = [self.start_run(server, f"w{i}") for i in range(50)][-1]
        until("others are served", lambda: last in reader.next("list")["list"]["runIds"])

    def test_mistakes_are_answered_before_the_stream(self):
        server = self.start("--store", "memory:")
        http_ = Http(server.ui_port)
        for body, word in (({}, "subscriptions"), ({"subscriptions": [{"id": "a", "lst": {}}]}, "lst")):
            status, answer, headers = http_.call("POST", PATH, body)
            self.assertEqual((status, headers["Content-Type"]), (400, "application/json"), answer)
            self.assertIn(word, answer["message"])
        self.assertEqual(http_.call("POST", PATH, LIST, Origin="https://evil.example")[0], 403)
        self.assertEqual(http_.call("GET", PATH)[0], 405)

    def test_grpc_says_where_to_ask(self):
        server = self.start("--store", "memory:")
        with grpc.insecure_channel(server.address) as channel:
            call = channel.unary_unary("/skald.api.v1.SkaldService/Stream")
            with self.assertRaises(grpc.RpcError) as caught:
                call(b"", timeout=LIMIT)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("HTTP", caught.exception.details())
