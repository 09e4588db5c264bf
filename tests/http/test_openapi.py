"""The OpenAPI document: valid by another's judgement, and about what is served."""

import re

from api import Grpc, Http
from openapi_spec_validator import OpenAPIV31SpecValidator
from program import Case

from test_routes import STREAMS


class OpenApi(Case):
    def setUp(self):
        super().setUp()
        self.server = self.start("--store", "memory:")
        status, self.document, headers = Http(self.server.ui_port).call("GET", "/api/v1/openapi.json")
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))

    def operations(self):
        for path, item in self.document["paths"].items():
            for verb, operation in item.items():
                yield path, verb.upper(), operation

    def test_it_is_valid(self):
        OpenAPIV31SpecValidator(self.document).validate()

    def test_it_has_every_route_and_no_other(self):
        grpc = Grpc(self.server.address)
        self.addCleanup(grpc.close)
        expected = set()
        for service, method, routes in grpc.methods():
            if service.name == "TestService":
                continue
            for verb, pattern, _ in routes or [("POST", f"/api/v1/rpc/{method.name}", "*")]:
                if pattern.startswith("/api/v1/"):
                    expected.add((verb, re.sub(r"\{[^}]*\}", "{}", pattern), f"{service.full_name}/{method.name}"))
        described = {(verb, re.sub(r"\{[^}]*\}", "{}", path), operation["x-grpc-method"])
                     for path, verb, operation in self.operations()}
        http = Http(self.server.ui_port)
        left_out = expected - described
        self.assertEqual(described - expected, set())
        for verb, path, name in left_out:  # those that workers call
            if name.split("/")[1] in STREAMS:
                continue  # not built yet
            self.assertEqual(http.call(verb, path, {})[0], 403, name)

    def test_operations_say_what_they_are(self):
        http = Http(self.server.ui_port)
        ids = [operation["operationId"] for _, _, operation in self.operations()]
        self.assertEqual(len(ids), len(set(ids)))
        for path, verb, operation in self.operations():
            name = operation["x-grpc-method"].split("/")[1]
            own = operation["x-grpc-method"].startswith("skald.") or path.startswith("/api/v1/rpc/")
            self.assertEqual(operation.get("x-skald", False), own, path)
            if name in STREAMS or name.endswith("Namespace"):
                continue
            variables = re.findall(r"\{([^}]*)\}", path)
            declared = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            self.assertEqual(declared, variables)
            status = http.call(verb, re.sub(r"\{[^}]*\}", "default", path), {} if verb != "GET" else None)[0]
            if operation.get("x-unimplemented"):
                self.assertIn(status, (501, 404), name)
            else:
                self.assertNotEqual(status, 501, name)

    def test_own_methods_are_described_in_words(self):
        described = [o for _, _, o in self.operations() if o["x-grpc-method"].startswith("skald.")]
        self.assertTrue(described)
        for operation in described:
            if operation["operationId"] != "DeleteSavedView":
                self.assertRegex(operation.get("description", ""), r"\w+ \w+", operation["operationId"])
