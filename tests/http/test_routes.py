"""Every route of the descriptors, walked: what HTTP answers is what gRPC answers.

Each method is called at each of its routes, over gRPC and over HTTP. What is asked with GET gets the very same request
twice. What may change something gets equal requests about two workflows, and the ids that tell them apart, and times,
run ids and tokens, are evened out. The JSON of gRPC's answers is made by Google's protobuf library.
"""

import re
import urllib.parse

from api import Grpc, Http, quoted
from program import Case

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DELETED = re.compile(r"-deleted-[0-9a-f]+$")
OPAQUE = {"etag", "nextPageToken", "taskToken", "token"}
STATUS = {0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501,
          13: 500, 14: 503, 15: 500, 16: 401}
PASSING = {"historySizeBytes"}  # grows with the length of numbers in tokens
UNANSWERED = {"QueryWorkflow": 2}  # seconds: nobody is there to answer; the others may take long
PATIENCE = 240
STREAMS = {"Stream"}  # tests/http/test_stream.py


def fields_of(descriptor):
    return {f.name: f for f in descriptor.fields}


def camel(name):
    return re.sub(r"_(.)", lambda m: m.group(1).upper(), name)


def put(request, path, value):
    """Set a dotted field path of a JSON request."""
    *way, last = [camel(part) for part in path.split(".")]
    for part in way:
        request = request.setdefault(part, {})
    request[last] = value


def take(request, path):
    *way, last = [camel(part) for part in path.split(".")]
    for part in way:
        request = request[part]
    return request.pop(last)


def evened(value, side):
    """The same for both sides, if the answers are the same."""
    if isinstance(value, dict):
        return {evened(k, side): "opaque" if k in OPAQUE else evened(v, side) for k, v in value.items()
                if k not in PASSING}
    if isinstance(value, list):
        return [evened(v, side) for v in value]
    if isinstance(value, str):
        return DELETED.sub("-deleted-", TIME.sub("TIME", UUID.sub("UUID", value))).replace(side, "SIDE")
    return value


class Walk:
    def __init__(self, case, server):
        self.case = case
        self.grpc = Grpc(server.address)
        self.http = Http(server.ui_port)
        case.addCleanup(self.grpc.close)
        self.workflows = self.grpc.pool.FindServiceByName("temporal.api.workflowservice.v1.WorkflowService")

    def start(self, workflow_id):
        method = self.workflows.methods_by_name["StartWorkflowExecution"]
        code, answer = self.grpc.call(self.workflows, method, {
            "namespace": "default", "workflowId": workflow_id, "workflowType": {"name": "T"},
            "taskQueue": {"name": "q/1"}, "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="},
                                                                 "data": "MQ=="}]}})
        self.case.assertEqual(code, 0, answer)

    def register(self, name):
        method = self.workflows.methods_by_name["RegisterNamespace"]
        code, answer = self.grpc.call(self.workflows, method, {
            "namespace": name, "workflowExecutionRetentionPeriod": "86400s"})
        self.case.assertEqual(code, 0, answer)

    def save_view(self, name):
        service = self.grpc.pool.FindServiceByName("skald.api.v1.SkaldService")
        code, answer = self.grpc.call(service, service.methods_by_name["CreateSavedView"], {
            "namespace": "default", "view": {"name": name, "query": ""}})
        self.case.assertEqual(code, 0, answer)

    def request(self, method, variables, side, number):
        """A plausible request: ids that exist, and all that the path needs."""
        fields = fields_of(method.input_type)
        workflow_id = f"w/{number}{side} #%?é"
        request = {}
        for name in fields:
            if name == "namespace":
                request["namespace"] = "default"
            elif name in ("workflow_id", "source_workflow_id"):
                request[camel(name)] = workflow_id
            elif name in ("execution", "workflow_execution", "left", "right"):
                request[camel(name)] = {"workflowId": workflow_id}
            elif name == "task_queue":
                message = fields[name].message_type
                request["taskQueue"] = {"name": "q/1"} if message else "q/1"
        for path in variables:
            if path not in ("namespace", "workflow_id", "execution.workflow_id", "workflow_execution.workflow_id",
                            "task_queue", "task_queue.name"):
                put(request, path, f"x/1{side}")
        if method.name in ("UpdateSavedView", "DeleteSavedView"):
            self.save_view(request["name"])
        request.update(SPECIAL.get(method.name, lambda *_: {})(request, side))
        if method.name.endswith("Namespace") and method.name != "DescribeNamespace":
            name = f"walk{number}{side}"
            request["namespace"] = name
            if method.name != "RegisterNamespace":
                self.register(name)
        elif "workflowId" in str(request) and method.name not in ("StartWorkflowExecution",):
            self.start(workflow_id)
        return request

    def over_http(self, verb, pattern, body, request, timeout):
        """Call with a request, parted between path, query and body."""
        rest = request
        path = re.sub(r"\{([^}]*)\}", lambda m: quoted(take(rest, m.group(1))), pattern)
        if body == "*":
            return self.http.call(verb, path + "?noPayloadShorthand", rest, **{"Grpc-Timeout": f"{timeout}S"})
        query = list(query_of(rest))
        return self.http.call(verb, path + "?noPayloadShorthand&" + urllib.parse.urlencode(query))

    def compare(self, service, method, route, number):
        verb, pattern, body = route
        variables = re.findall(r"\{([^}]*)\}", pattern)
        request = self.request(method, variables, "-g", number)
        timeout = UNANSWERED.get(method.name, PATIENCE)
        code, expected = self.grpc.call(service, method, request, timeout)
        sides = ("\0", "\0")
        if verb != "GET":
            sides = ("-g", "-h")
            request = self.request(method, variables, "-h", number)
        status, answer, headers = self.over_http(verb, pattern, body, request, timeout)
        if code == 4:  # the client's own message
            expected, answer = expected["code"], answer["code"]
        with self.case.subTest(route=f"{verb} {pattern}", method=method.name):
            self.case.assertEqual(headers["Content-Type"], "application/json+no-payload-shorthand")
            self.case.assertEqual(evened(answer, sides[1]), evened(expected, sides[0]))
            self.case.assertEqual(status, STATUS[code], answer)
        return code


def query_of(value, prefix=""):
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from query_of(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner


SPECIAL = {
    "StartWorkflowExecution": lambda r, s: {"workflowType": {"name": "T"}, "input": {"payloads": [
        {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]}, "identity": "walk", "requestId": "r" + s},
    "SignalWithStartWorkflowExecution": lambda r, s: {"workflowType": {"name": "T"}, "requestId": "r" + s},
    "RegisterNamespace": lambda r, s: {"workflowExecutionRetentionPeriod": "86400s", "ownerEmail": "a@example.org"},
    "QueryWorkflow": lambda r, s: {"queryRejectCondition": "QUERY_REJECT_CONDITION_NOT_OPEN"},
    "AddSearchAttributes": lambda r, s: {"searchAttributes": {"A" + s[1:]: "INDEXED_VALUE_TYPE_KEYWORD"}},
    "RemoveSearchAttributes": lambda r, s: {"searchAttributes": ["A" + s[1:]]},
    "GetFigures": lambda r, s: {"kind": "FIGURE_KIND_SERVER"},
    "ListBusiest": lambda r, s: {"kind": "FIGURE_KIND_WORKFLOW_TYPE"},
    "UpdateSavedView": lambda r, s: {"view": {"name": r["name"] + " renamed", "query": "WorkflowType = 'T'"}},
    "CreateSavedView": lambda r, s: {"view": {"name": "v" + s, "query": "WorkflowType = 'T'"}},
}


class Routes(Case):
    def test_every_annotated_route_answers_as_grpc(self):
        walk = Walk(self, self.start("--store", "memory:"))
        walked, well, number, own = 0, 0, 0, {}
        for service, method, routes in walk.grpc.methods():
            for route in routes:
                number += 1
                if method.name in STREAMS or service.name == "TestService":
                    continue
                walked += 1
                code = walk.compare(service, method, route, number)
                well += code == 0
                if service.full_name.startswith("skald."):
                    own[method.name] = code
        self.assertGreater(walked, 220)
        self.assertGreater(len(own), 10)
        self.assertEqual({name for name, code in own.items() if code != 0}, set())
        self.assertGreaterEqual(well, 40)  # the others have their errors compared

    def test_methods_without_a_route_are_at_rpc(self):
        walk = Walk(self, self.start("--store", "memory:"))
        left_out, well = set(), 0
        for number, (service, method, routes) in enumerate(walk.grpc.methods()):
            if routes:
                continue
            route = ("POST", f"/api/v1/rpc/{method.name}", "*")
            status, answer, _ = walk.http.call(*route[:2], {})
            if status == 403:
                self.assertIn(f"{method.name} is for workers", answer["message"])
                left_out.add(method.name)
            else:
                well += walk.compare(service, method, route, number) == 0
        self.assertGreater(well, 10)
        self.assertEqual(left_out, {
            "PollActivityTaskQueue", "PollNexusTaskQueue", "PollWorkflowTaskQueue", "RespondNexusTaskCompleted",
            "RespondNexusTaskFailed", "RespondQueryTaskCompleted", "RespondWorkflowTaskCompleted",
            "RespondWorkflowTaskFailed", "ShutdownWorker"})

    def test_ids_round_trip(self):
        server = self.start("--store", "memory:")
        http = Http(server.ui_port)
        for workflow_id in ("a/b", "#", "%", "?", " ", "..", "a%2Fb", "&=+;", "日本語", "/", "//", "w/history", "\\", '"', "'"):
            path = f"/namespaces/default/workflows/{quoted(workflow_id)}"
            status, answer, _ = http.call("POST", "/api/v1" + path, {"workflowType": {"name": "T"},
                                                                     "taskQueue": {"name": "q"}})
            self.assertEqual(status, 200, (workflow_id, answer))
            run_id = answer["runId"]
            status, answer, _ = http.call("GET", f"{path}/history?execution.runId={run_id}")
            started = answer["history"]["events"][0]["workflowExecutionStartedEventAttributes"]
            self.assertEqual((status, started["workflowId"]), (200, workflow_id))
            self.assertEqual(http.call("POST", f"{path}/signal/{quoted(workflow_id)}", {})[0], 200)
            status, answer, _ = http.call("GET", f"{path}/history-reverse?maximumPageSize=1")
            signal = answer["history"]["events"][0]["workflowExecutionSignaledEventAttributes"]
            self.assertEqual((status, signal["signalName"]), (200, workflow_id))


class Mistakes(Case):
    def setUp(self):
        super().setUp()
        self.http = Http(self.start("--store", "memory:").ui_port)

    def refused(self, path, body, words, status=400, verb="POST"):
        got, answer, _ = self.http.call(verb, path, body)
        self.assertEqual(got, status, answer)
        self.assertEqual(set(answer), {"code", "message", "details"})
        for word in words.split("|"):
            self.assertIn(word, answer["message"])

    def test_json_that_is_wrong_names_the_field(self):
        path = "/api/v1/namespaces/default/workflows/w"
        self.refused(path, '{"workflowType": ', "no JSON|line 1, column")
        self.refused(path, '{"workflowType": {"name": 5}}', "workflow_type.name|must be a string")
        self.refused(path, '{"taskQueue": {"nam": "q"}}', "task_queue|nam")
        self.refused(path, '{"taskQ": {}}', "taskQ")
        self.refused(path, '{"workflowRunTimeout": "1 h"}', "workflow_run_timeout|seconds")
        self.refused(path, '{"workflowIdReusePolicy": "NEVER"}', "workflow_id_reuse_policy|NEVER")
        self.refused(path, '{"retryPolicy": {"maximumAttempts": "x"}}', "retry_policy.maximum_attempts")
        self.refused(path, '{"memo": {"fields": {"k": {"_protoMessageType": 1}}}}', "memo.fields")
        self.refused(path, '[]', "must be an object")
        self.refused(path, '{"identity": "a", "identity": "b"}', "duplicate")
        self.refused(path, '{"identity": "\ud800"}'.encode("utf-8", "surrogatepass").decode("latin1"), "no JSON")
        self.refused(path, "[" * 200, "nests deeper")

    def test_a_query_that_is_wrong_names_the_parameter(self):
        self.refused("/api/v1/namespaces/default/workflows?pageSize=x", None, "page_size", verb="GET")
        self.refused("/api/v1/namespaces/default/workflows?page=1", None, "page", verb="GET")
        self.refused("/api/v1/namespaces/default/workflows?query=%ff", None, "query|UTF-8", verb="GET")
        self.refused("/api/v1/namespaces/default/workflows?query=Nope+%3D+1", None, "invalid query", verb="GET")
        self.refused("/api/v1/namespaces/default/workflows/w?identity=x", {}, "identity|body")

    def test_what_is_not_there(self):
        self.refused("/api/v1/nothing", {}, "nothing is served", 404)
        self.refused("/api/v1/namespaces", None, "DELETE is not served", 405, "DELETE")
        self.assertEqual(self.http.call("DELETE", "/api/v1/namespaces")[2]["Allow"], "GET, POST")
        self.refused("/api/v1/namespaces/nope/workflows", None, "nope", 404, "GET")


class Forms(Case):
    def test_payloads_have_a_short_form(self):
        http = Http(self.start("--store", "memory:").ui_port)
        path = "/api/v1/namespaces/default/workflows/w"
        values = [1, "two", {"three": [None, True]}, None]
        long = {"metadata": {"encoding": "YmluYXJ5L3BsYWlu"}, "data": "AAE="}
        self.assertEqual(http.call("POST", path, {
            "workflowType": {"name": "T"}, "taskQueue": {"name": "q"}, "input": values,
            "memo": {"fields": {"short": 1, "long": long}}})[0], 200)

        def started(suffix="", **headers):
            answer = http.call("GET", f"{path}/history{suffix}", **headers)[1]
            return answer["history"]["events"][0]["workflowExecutionStartedEventAttributes"]
        self.assertEqual(started()["input"], values)
        self.assertEqual(started()["memo"]["fields"], {"short": 1, "long": long})
        for asked, form in (("*/*", ""), ("application/json+pretty", "+pretty"), ("text/html, application/json", "")):
            self.assertEqual(http.call("GET", path, Accept=asked)[2]["Content-Type"], "application/json" + form)
        self.assertEqual(http.call("GET", path + "/nope?pretty&noPayloadShorthand")[2]["Content-Type"], "application/json")
        self.assertEqual(http.call("GET", path[:-1] + "nope?pretty&noPayloadShorthand")[2]["Content-Type"],
                         "application/json+pretty+no-payload-shorthand")
        for plain in (started("?noPayloadShorthand"), started(Accept="application/json+no-payload-shorthand"),
                      started(Accept="application/json+pretty+no-payload-shorthand")):
            self.assertEqual(plain["input"]["payloads"][0],
                             {"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="})

    def test_pretty_is_a_form_only(self):
        server = self.start("--store", "memory:")
        plain = server.get("/api/v1/namespaces")[1]
        for answer in (server.get("/api/v1/namespaces?pretty"),
                       server.get("/api/v1/namespaces", Accept="application/json+pretty")):
            self.assertTrue(answer[1].startswith('{\n  "namespaces": [\n'), answer[1][:40])
            self.assertEqual(re.sub(r"\s", "", answer[1]), re.sub(r"\s", "", plain))

    def test_long_answers_are_compressed_for_those_who_ask(self):
        import gzip
        import http.client
        server = self.start("--store", "memory:")
        connection = http.client.HTTPConnection("127.0.0.1", server.ui_port)
        self.addCleanup(connection.close)
        texts = []
        for encoding in ("identity", "gzip", "br, gzip;q=0.5", "gzip;q=0"):
            connection.request("GET", "/api/v1/openapi.json", headers={"Accept-Encoding": encoding})
            answer = connection.getresponse()
            body = answer.read()
            packed = answer.getheader("Content-Encoding") == "gzip"
            self.assertEqual(packed, encoding in ("gzip", "br, gzip;q=0.5"), encoding)
            texts.append(gzip.decompress(body) if packed else body)
        self.assertEqual(len(set(texts)), 1)

    def test_a_long_poll_waits_and_ends(self):
        import threading
        http = Http(self.start("--store", "memory:").ui_port)
        path = "/api/v1/namespaces/default/workflows/w"
        http.call("POST", path, {"workflowType": {"name": "T"}, "taskQueue": {"name": "q"}})
        answers = []
        wait = f"{path}/history?waitNewEvent=true&historyEventFilterType=HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT"
        waiting = threading.Thread(target=lambda: answers.append(http.call("GET", wait)))
        waiting.start()
        self.assertEqual(http.call("POST", f"{path}/terminate", {"reason": "done"})[0], 200)
        waiting.join(60)
        self.assertEqual(answers[0][1]["history"]["events"][0]["eventType"], "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED")
