"""Skald's own API and push, over HTTP, against the real program."""

import http.client
import json
import re
import socket
import subprocess
import threading
import time
import urllib.parse

from program import LIMIT, SKALD, Case, clean_environment, skald, until

RUNNING = "ExecutionStatus = 'Running'"


def call(server, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.ui_port, timeout=LIMIT)
    try:
        connection.request(method, "/api/v1/" + path, None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def ask(server, path):
    status, body = call(server, "GET", path)
    assert status == 200, (path, status, body)
    return body


def start(server, workflow_id, queue="q"):
    status, body = call(server, "POST", f"namespaces/default/workflows/{urllib.parse.quote(workflow_id, safe='')}",
                        {"workflowType": {"name": "T"}, "taskQueue": {"name": queue}})
    assert status == 200, body
    return body["runId"]


def terminate(server, workflow_id):
    status, body = call(server, "POST", f"namespaces/default/workflows/{workflow_id}/terminate", {})
    assert status == 200, body


def pushed(server, metric):
    found = re.search(rf"^{re.escape(metric)} (\d+)$", server.get("/metrics")[1], re.M)
    return int(found.group(1)) if found else 0


class Stream:
    """A push stream; `events` grows as lines come, and ends with None."""

    def __init__(self, server, *subscriptions):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.ui_port, timeout=LIMIT)
        self.connection.request("POST", "/api/v1/skald/stream", json.dumps({"subscriptions": subscriptions}),
                                {"Content-Type": "application/json"})
        self.socket = self.connection.sock # a response that closes takes it from the connection
        self.answer = self.connection.getresponse()
        self.events = []
        self.rows, self.order = {}, []
        if self.answer.status == 200:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()

    def _read(self):
        try:
            for line in self.answer:
                event = json.loads(line)
                listed = event.get("list")
                if listed:
                    if listed.get("snapshot"):
                        self.rows.clear()
                    self.rows.update({r["execution"]["runId"]: r for r in listed["executions"]})
                    self.order = listed["runIds"]
                self.events.append(event)
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.events.append(None)

    def wait(self, what, condition):
        return until(f"{what}; got {self.events}", lambda: next(
            (e for e in list(self.events) if e is not None and condition(e)), None))

    def has(self, *run_ids):
        """The list shows exactly these, and every row of them is known."""
        return self.order == list(run_ids) and all(r in self.rows for r in run_ids)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR) # else closing waits for the reader's next line
        except OSError:
            pass # closed before
        self.connection.close()


def list_of(query=RUNNING, **more):
    return {"id": "l", "list": {"namespace": "default", "query": query, "pageSize": 20}, **more}


class Push(Case):
    def stream(self, server, *subscriptions):
        stream = Stream(server, *subscriptions)
        self.addCleanup(stream.close)
        return stream

    def check_a_list(self, *args):
        server = self.start(*args)
        first = start(server, "first")
        stream = self.stream(server, list_of())
        until("the snapshot came", lambda: stream.has(first))
        second = start(server, "second/with ünusual?id")
        until("a new run is on top", lambda: stream.has(second, first))
        terminate(server, "first")
        until("a closed one is gone", lambda: stream.has(second))
        self.assertEqual(stream.rows[second]["execution"]["workflowId"], "second/with ünusual?id")
        self.assertEqual([e["type"] for e in stream.events[:2]], ["hello", "list"])
        self.assertEqual(pushed(server, "skald_push_queries{reason=\"refill\"}"), 0)

    def test_a_list_in_memory(self):
        self.check_a_list("--store", "memory:", "--loops", "2")

    def test_a_list_on_disk(self):
        self.check_a_list("--loops", "2")

    def test_counts_runs_and_queues(self):
        server = self.start("--store", "memory:", "--loops", "2")
        run_id = start(server, "w", "orders")
        stream = self.stream(
            server,
            {"id": "n", "count": {"namespace": "default"}},
            {"id": "r", "run": {"namespace": "default", "execution": {"workflowId": "w"}}},
            {"id": "q", "taskQueues": {"namespace": "default"}},
            {"id": "f", "figures": {"kind": "FIGURE_KIND_SERVER"}})
        stream.wait("the count", lambda e: e.get("count", {}).get("count") == "1")
        run = stream.wait("the run", lambda e: e["type"] == "run")["run"]
        self.assertEqual(run["describe"]["workflowExecutionInfo"]["execution"]["runId"], run_id)
        queues = stream.wait("the queue", lambda e: e["type"] == "task_queues")["taskQueues"]["taskQueues"]
        self.assertEqual((queues[0]["name"], queues[0]["backlogCount"], queues[0]["idleReason"]),
                         ("orders", "1", "IDLE_REASON_NO_POLLERS"))
        stream.wait("figures", lambda e: e["type"] == "figures")
        terminate(server, "w")
        stream.wait("the run has closed", lambda e: e["type"] == "run" and e["run"]["describe"][
            "workflowExecutionInfo"]["status"] == "WORKFLOW_EXECUTION_STATUS_TERMINATED")
        stream.wait("the count by status", lambda e: {"status": "Terminated", "count": "1"}
                    in e.get("count", {}).get("groups", []))

    def test_a_cursor_goes_on_and_is_refused_after_a_restart(self):
        server = self.start("--loops", "2")
        first = start(server, "first")
        stream = self.stream(server, list_of())
        until("the snapshot came", lambda: stream.has(first))
        cursor = stream.events[-1]["cursor"]
        stream.close()
        second = start(server, "second")
        again = self.stream(server, list_of(cursor=cursor))
        until("what was missed came", lambda: again.order == [second, first])
        self.assertNotIn("reset", [e["type"] for e in again.events])
        self.assertEqual(list(again.rows), [second]) # and nothing else
        cursor = again.events[-1]["cursor"]
        self.assertEqual(server.stop(), 0)
        until("it said goodbye", lambda: again.events[-1] is None)
        self.assertEqual(again.events[-2]["type"], "bye")
        server = self.start("--loops", "2")
        third = self.stream(server, list_of(cursor=cursor))
        until("all of it came anew", lambda: third.has(second, first))
        self.assertEqual([e["type"] for e in third.events[:3]], ["hello", "reset", "list"])
        self.assertTrue(third.events[2]["list"]["snapshot"])

    def test_a_client_that_leaves_is_forgotten(self):
        server = self.start("--store", "memory:", "--loops", "2")
        until("it is so before a heartbeat finds out", lambda: self.leave_at_once(server)) # a busy machine tries again

    def leave_at_once(self, server):
        witness, *streams = [self.stream(server, list_of()) for _ in range(11)]
        for stream in (witness, *streams):
            stream.wait("the snapshot", lambda e: e["type"] == "list")
        self.assertEqual((pushed(server, "skald_push_streams"), pushed(server, "skald_push_topics")), (11, 1))
        heard = len(witness.events)
        for stream in streams:
            stream.close()
        until("one stream is open", lambda: pushed(server, "skald_push_streams") == 1)
        at_once = len(witness.events) == heard
        witness.close()
        until("no stream is open", lambda: pushed(server, "skald_push_streams") == 0)
        return at_once

    def test_ten_readers_of_a_busy_list(self):
        """Whatever happened meanwhile, all end with the page that a query answers; and it cost one list."""
        server = self.start("--loops", "2")
        for i in range(60):
            start(server, f"open-{i}", "nobody-polls")
        begin = time.monotonic()
        streams = [self.stream(server, list_of()) for _ in range(10)]
        done, _, err = skald("bench", "--address", server.address, "--rate", "200", "--duration", "4s", "--warmup", "0s", "--json")
        self.assertEqual(done, 0, err)
        for i in range(0, 60, 7):
            terminate(server, f"open-{i}")
        listed = ask(server, "namespaces/default/workflows?pageSize=20&query=" + urllib.parse.quote(RUNNING))
        page = [e["execution"]["runId"] for e in listed["executions"]]
        for stream in streams:
            until("the page is that of a query", lambda stream=stream: stream.has(*page))
            self.assertGreater(len(stream.events), 2)  # the page came by patches
            seen = len(stream.events)
            took = time.monotonic() - begin
            self.assertLessEqual(seen, 4 * took + 3)
        self.assertEqual(pushed(server, "skald_push_topics"), 1)
        self.assertEqual(pushed(server, 'skald_push_queries{reason="begin"}'), 1)
        self.assertLessEqual(pushed(server, 'skald_push_queries{reason="refill"}'), took / 10 + 1)

    def test_what_makes_no_sense_is_refused(self):
        server = self.start("--store", "memory:")
        self.assertEqual(self.stream(server).answer.status, 400)
        stream = self.stream(server, list_of("WorkflowId ~ 3"), {"id": "2", "count": {"namespace": "nope"}})
        bad = stream.wait("an error", lambda e: e["type"] == "error" and e["subscription"] == "l")
        self.assertEqual(bad["error"]["code"], 3)
        self.assertIn("position", bad["error"]["message"])
        self.assertEqual(stream.wait("the other", lambda e: e.get("subscription") == "2")["error"]["code"], 5)


class OwnApi(Case):
    def test_saved_views_survive(self):
        server = self.start()
        path = "skald/namespaces/default/views"
        status, made = call(server, "POST", path, {"view": {"name": "a/b c", "query": RUNNING}, "identity": "ann"})
        self.assertEqual(status, 200, made)
        self.assertEqual(call(server, "POST", path, {"view": {"name": "a/b c"}})[0], 409)
        self.assertEqual(server.stop(), 0)
        server = self.start()
        views = ask(server, path)["views"]
        self.assertEqual([(v["name"], v["query"], v["owner"]) for v in views], [("a/b c", RUNNING, "ann")])
        self.assertEqual(views[0]["etag"], made["view"]["etag"])
        one = path + "/" + urllib.parse.quote("a/b c", safe="")
        self.assertEqual(call(server, "PUT", one, {"view": {"name": "new", "etag": views[0]["etag"]}})[0], 200)
        self.assertEqual(call(server, "DELETE", path + "/new?etag=stale")[0], 409)
        self.assertEqual(call(server, "DELETE", path + "/new")[0], 200)
        self.assertEqual(ask(server, path), {})

    def test_what_a_demo_leaves_behind(self):
        server = self.start("--store", "memory:", "--loops", "2")
        demo = subprocess.Popen([SKALD, "demo", "--address", server.address, "--orders", "10", "--keep-running"],
                                stdout=subprocess.DEVNULL, env=clean_environment())
        try:
            path = "skald/namespaces/default/"
            groups = until("failures are grouped", lambda: ask(server, path + "failure-groups").get("groups"))
            self.assertEqual({g["source"] for g in groups}, {"FAILURE_SOURCE_ACTIVITY"})
            self.assertTrue(all(int(g["count"]) >= int(g.get("retrying", 0)) for g in groups))
            workers = ask(server, path + "workers")["workers"]
            self.assertEqual([w["sdkName"] for w in workers], ["skald-cli"])
            self.assertTrue(workers[0]["alive"])
            self.assertEqual({(q["name"], q["type"]) for q in workers[0]["queues"]},
                             {("skald-demo-orders", "TASK_QUEUE_TYPE_WORKFLOW"),
                              ("skald-demo-orders", "TASK_QUEUE_TYPE_ACTIVITY")})
            queue = ask(server, path + "task-queues/skald-demo-orders")
            self.assertEqual(queue["workflow"]["pollers"][0]["identity"], workers[0]["identity"])
            def busiest():
                found = ask(server, "skald/busiest?kind=FIGURE_KIND_WORKFLOW_TYPE").get("entries")
                return found and (found[0]["name"], int(found[0]["addedOrStarted"]))
            until("the steps of ten orders are over", lambda: (busiest() or ("", 0)) >= ("Order", 10))
            figures = ask(server, "skald/figures?kind=FIGURE_KIND_WORKFLOW_TYPE&namespace=default&name=Order")
            series = {s["name"]: s["values"] for s in figures["series"]}
            self.assertGreaterEqual(sum(series["started"]), 10)
            self.assertEqual(figures["step"], "10s")
            server_figures = ask(server, "skald/figures?kind=FIGURE_KIND_SERVER")
            by_name = {s["name"]: s["values"] for s in server_figures["series"]}
            self.assertGreater(sum(by_name["requests"]), 10)
            self.assertGreater(by_name["memory"][-1], 1 << 20)
        finally:
            demo.kill()
            demo.wait()

    def test_two_runs_side_by_side(self):
        server = self.start("--store", "memory:", "--loops", "2")
        self.assertEqual(skald("demo", "--address", server.address, "--orders", "6", "--timeout", "200s")[0], 0)
        listed = ask(server, "namespaces/default/workflows?query=" + urllib.parse.quote("ExecutionStatus = 'Completed'"))
        runs = [e["execution"] for e in listed["executions"]]
        shipped = [r for r in runs if r["workflowId"].endswith("shipped")]
        busy = next(r for r in runs if r["workflowId"].endswith("bank-busy"))

        def compare(left, right):
            return ask(server, "skald/namespaces/default/comparison?" + urllib.parse.urlencode(
                {"left.workflowId": left["workflowId"], "left.runId": left["runId"], "right.workflowId": right["workflowId"]}))
        same = compare(shipped[0], shipped[0])
        self.assertEqual(same["firstDifference"], -1)
        self.assertEqual({s["match"] for s in same["steps"]}, {"STEP_MATCH_SAME"})
        self.assertIn(("activity", "ChargeCard"), {(s["kind"], s["name"]) for s in same["steps"]})
        differ = compare(shipped[0], busy)
        charge = next(s for s in differ["steps"] if s.get("name") == "ChargeCard")
        self.assertIn("attempts", charge["differences"])
        self.assertGreater(charge["right"]["attempt"], charge["left"]["attempt"])
        self.assertEqual(differ["left"]["status"], "Completed")
        self.assertEqual(call(server, "GET", "skald/namespaces/default/comparison?left.workflowId=nope")[0], 404)

    def test_idle_queues_say_why(self):
        server = self.start("--store", "memory:")
        start(server, "w", "orders")
        path = "skald/namespaces/default/task-queues"
        self.assertEqual([(q["name"], q["idleReason"]) for q in ask(server, path)["taskQueues"]],
                         [("orders", "IDLE_REASON_NO_POLLERS")])
        queue = ask(server, path + "/order")["workflow"]
        self.assertEqual((queue["info"]["idleReason"], queue["similarNames"]), ("IDLE_REASON_NEVER_USED", ["orders"]))
        self.assertIn("Is the name right?", queue["explanation"])
        self.assertEqual(call(server, "GET", "skald/namespaces/nope/task-queues")[0], 404)
        self.assertEqual(call(server, "GET", "skald/figures?kind=FIGURE_KIND_WORKFLOW_TYPE&namespace=default")[0], 400)
        self.assertEqual(skald("health", "--address", server.address)[0], 0)
