"""What browsers are and are not let do; the pages' headers; the base path; read-only."""

import json
import re

from api import Http
from program import Case

SIGNAL = "/api/v1/namespaces/default/workflows/w/signal/s"


class Sites(Case):
    def write(self, http, **headers):
        status, answer, got = http.call("POST", SIGNAL, {}, **headers)
        self.assertIn(status, (403, 404, 400), answer)  # 404: it came through, there is no such workflow
        return status, got

    def test_writes_come_from_our_origin(self):
        server = self.start("--store", "memory:", "--public-host", "skald.example")
        http = Http(server.ui_port)
        ours = f"http://127.0.0.1:{server.ui_port}"
        self.assertEqual(self.write(http)[0], 404)  # a program
        self.assertEqual(self.write(http, Origin=ours)[0], 404)
        self.assertEqual(self.write(http, Origin=ours, **{"Sec-Fetch-Site": "same-origin"})[0], 404)
        self.assertEqual(self.write(http, Host="skald.example", Origin="https://skald.example")[0], 404)
        for origin in ("https://evil.example", "null", f"http://localhost:{server.ui_port}",
                       f"{ours}.evil.example", "http://127.0.0.1", "file://", ""):
            expected = 404 if origin == "" else 403
            self.assertEqual(self.write(http, Origin=origin)[0], expected, origin)
        for site in ("cross-site", "same-site", "nonsense"):
            self.assertEqual(self.write(http, **{"Sec-Fetch-Site": site})[0], 403, site)

    def test_writes_are_json(self):
        http = Http(self.start("--store", "memory:").ui_port)
        for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "",
                      "application/jsonp", "text/plain; application/json"):
            status, answer, _ = http.call("POST", SIGNAL, "{}", **{"Content-Type": media})
            self.assertEqual(status, 400, media)
            self.assertIn("Content-Type must be application/json", answer["message"])
        for media in ("application/json", "application/json; charset=utf-8", "application/json+no-payload-shorthand"):
            self.assertEqual(http.call("POST", SIGNAL, "{}", **{"Content-Type": media})[0], 404, media)
        self.assertEqual(http.call("POST", SIGNAL, "{}", **{"Content-Encoding": "gzip"})[0], 400)

    def test_no_other_origin_may_read_unless_configured(self):
        plain = Http(self.start("--store", "memory:").ui_port)
        other = "https://tools.example"
        for verb, headers in (("GET", {}), ("OPTIONS", {"Access-Control-Request-Method": "POST"})):
            got = plain.call(verb, "/api/v1/namespaces", Origin=other, **headers)[2]
            self.assertEqual([h for h in got if h.lower().startswith("access-control")], [])
        http = Http(self.start("--data-dir", self.folder / "b", "--ui-cors-origin", other).ui_port)
        status, _, got = http.call("OPTIONS", SIGNAL, Origin=other, **{"Access-Control-Request-Method": "POST"})
        self.assertEqual((status, got["Access-Control-Allow-Origin"]), (204, other))
        self.assertIn("POST", got["Access-Control-Allow-Methods"])
        self.assertIn("Content-Type", got["Access-Control-Allow-Headers"])
        self.assertNotIn("Access-Control-Allow-Credentials", got)
        status, got = self.write(http, Origin=other, **{"Sec-Fetch-Site": "cross-site"})
        self.assertEqual((status, got["Access-Control-Allow-Origin"]), (404, other))
        self.assertIn("Origin", got["Vary"])
        got = http.call("GET", "/api/v1/namespaces", Origin="https://evil.example")[2]
        self.assertNotIn("Access-Control-Allow-Origin", got)

    def test_read_only_refuses_every_change(self):
        server = self.start("--store", "memory:", "--read-only-ui")
        http = Http(server.ui_port)
        document = http.call("GET", "/api/v1/openapi.json")[1]
        refused = served = 0
        for path, item in document["paths"].items():
            for verb, operation in item.items():
                path = re.sub(r"\{[^}]*\}", "default", path)
                if verb == "get" or operation.get("x-unimplemented") or "/stream" in path:
                    continue
                status, answer, _ = http.call(verb.upper(), path, {})
                if operation.get("x-read-only"):
                    served += 1
                    self.assertNotIn("read-only", str(answer), path)
                else:
                    refused += 1
                    self.assertEqual((status, answer["code"]), (403, 7), path)
                    self.assertIn("read-only", answer["message"])
        self.assertGreater(refused, 25)
        self.assertGreater(served, 3)
        self.by_name(http, document)
        self.assertEqual(http.call("GET", "/api/v1/namespaces")[0], 200)


    def by_name(self, http, document):
        """POST /api/v1/rpc/<Method> is no way around it, for any method."""
        reads = {}
        for item in document["paths"].values():
            for verb, operation in item.items():
                name = operation["x-grpc-method"].split("/")[1]
                reads[name] = (verb == "get" or operation.get("x-read-only", False)) and "x-unimplemented" not in operation
        del reads["Stream"]
        self.assertGreater(len(reads), 130)
        for name, read in reads.items():
            status, answer, _ = http.call("POST", f"/api/v1/rpc/{name}", {})
            if read:
                self.assertNotIn("read-only", str(answer), name)
            else:
                self.assertEqual(status, 403, name)
                self.assertRegex(answer["message"], "read-only|for workers", name)


class Usage(Case):
    def test_what_the_ui_does_is_counted(self):
        server = self.start("--store", "memory:")
        http = Http(server.ui_port)

        def act(path, identity, **headers):
            return http.call("POST", f"/api/v1/namespaces/default/workflows/{path}", {
                "identity": identity, **({} if "/" in path else {"workflowType": {"name": "T"}, "taskQueue": {"name": "q"}})},
                **headers)[0]
        ui = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{server.ui_port}"}
        self.assertEqual([act("w", "ada", **ui), act("w/signal/s", "ada", **ui), act("w/signal/s", "bob", **ui),
                          act("no/signal/s", "ada", **ui), act("w/signal/s", "script")], [200, 200, 200, 404, 200])
        http.call("GET", "/api/v1/namespaces", **ui)
        body = server.get("/metrics")[1]
        for line in ('skald_ui_actions{action="StartWorkflowExecution",result="OK"} 1',
                     'skald_ui_actions{action="SignalWorkflowExecution",result="OK"} 2',
                     'skald_ui_actions{action="SignalWorkflowExecution",result="NOT_FOUND"} 1',
                     "skald_ui_operators_today 2"):
            self.assertIn(line + "\n", body)
        self.assertEqual(body.count("\nskald_ui_actions{"), 3)


class Pages(Case):
    def page(self, server, path="/", **headers):
        status, body, got = server.get(path, Accept="text/html,*/*;q=0.8", **headers)
        self.assertEqual(status, 200, path)
        return body, got

    def with_ui(self, *args):
        server = self.start("--store", "memory:", *args)
        if 'id="root"' not in server.get("/", Accept="text/html")[1] and not args:
            self.skipTest("built without the UI")
        return server

    def test_the_policy_lets_nothing_of_others_in(self):
        server = self.with_ui()
        seen = set()
        for path in ("/", "/namespaces/default/workflows", "/namespaces/default/workflows/a%2Fb/x/timeline"):
            body, headers = self.page(server, path)
            policy = headers["Content-Security-Policy"]
            nonce = re.search(r"style-src 'self' 'nonce-([A-Za-z0-9+/=]{22,})'", policy).group(1)
            self.assertTrue(policy.startswith("default-src 'none'; script-src 'self'; "))
            self.assertNotIn("unsafe", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertIn(nonce, body)
            self.assertNotIn(nonce, seen)
            seen.add(nonce)
            self.assertEqual(headers["Cache-Control"], "no-store")
            for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                                ("X-Frame-Options", "DENY"), ("Cross-Origin-Opener-Policy", "same-origin")):
                self.assertEqual(headers[name], value)
            self.assertNotRegex(body, r"__SKALD_\w+__")

    def test_the_page_is_told_what_it_needs(self):
        server = self.with_ui()
        server = self.start("--data-dir", self.folder / "b", "--read-only-ui", "--ui-codec-endpoint",
                            "https://codec.example:81/</script>")
        body, headers = self.page(server)
        config = json.loads(re.search(r'id="skald-config">(.*?)</script>', body).group(1))
        self.assertEqual(config["readOnly"], True)
        self.assertEqual(config["base"], "/")
        self.assertEqual(config["codecEndpoint"], "https://codec.example:81/</script>")
        self.assertEqual(config["grpcAddress"], server.address)
        self.assertIn("connect-src 'self' https://codec.example:81;", headers["Content-Security-Policy"])

    def test_files_are_cached_by_name_or_tag(self):
        server = self.with_ui()
        body, _ = self.page(server)
        script = re.search(r'src="\./(assets/[^"]+\.js)"', body).group(1)
        status, plain, headers = server.get("/" + script)
        self.assertEqual(status, 200)
        self.assertIn("immutable", headers["Cache-Control"])
        self.assertNotIn("Content-Encoding", headers)
        self.assertEqual(int(headers["Content-Length"]), len(plain.encode()))
        status, nothing, again = server.get("/" + script, **{"If-None-Match": headers["ETag"]})
        self.assertEqual((status, nothing, again["ETag"]), (304, "", headers["ETag"]))
        status, nothing, head = Http(server.ui_port).call("HEAD", "/" + script, **{"Accept-Encoding": "gzip"})
        self.assertEqual((status, nothing, head["Content-Encoding"]), (200, None, "gzip"))
        self.assertLess(int(head["Content-Length"]), len(plain))
        self.assertEqual(server.get("/assets/gone-12345678.js")[0], 404)
        self.assertEqual(server.get("/assets/../index.html")[0], 404)

    def test_a_base_path(self):
        server = self.with_ui()
        server = self.start("--data-dir", self.folder / "b", "--ui-base-path", "/x/y")
        body, _ = self.page(server, "/x/y/namespaces/default/workflows/%2F")
        self.assertIn('<base href="/x/y/" />', body)
        script = re.search(r'src="\./(assets/[^"]+\.js)"', body).group(1)
        self.assertEqual(server.get("/x/y/" + script)[0], 200)
        for path in ("/", "/x/y"):
            status, _, headers = server.get(path)
            self.assertEqual((status, headers["Location"]), (307, "/x/y/"))
        for path in ("/x/y/api/v1/namespaces", "/api/v1/namespaces", "/healthz"):
            self.assertEqual(server.get(path)[0], 200, path)
        self.assertEqual(server.get("/x/z", Accept="text/html")[0], 404)
        status, text, _ = server.get("/x/y/api/v1/openapi.json")
        self.assertEqual(json.loads(text)["servers"], [{"url": "/x/y"}])

    def test_pages_and_bare_routes_share_paths(self):
        server = self.with_ui()
        path = "/namespaces/default/workflows"
        self.assertEqual(server.get(path)[2]["Content-Type"], "application/json")
        self.assertEqual(server.get(path, Accept="application/json")[2]["Content-Type"], "application/json")
        self.assertTrue(self.page(server, path)[1]["Content-Type"].startswith("text/html"))
        self.assertEqual(server.get("/api/v1" + path, Accept="text/html")[2]["Content-Type"], "application/json")

    def test_headless_serves_the_api_alone(self):
        server = self.start("--store", "memory:", "--headless")
        self.assertEqual(server.get("/", Accept="text/html")[0], 404)
        self.assertEqual(server.get("/namespaces/default/workflows", Accept="text/html")[2]["Content-Type"],
                         "application/json")
        self.assertEqual(server.get("/metrics")[0], 200)
