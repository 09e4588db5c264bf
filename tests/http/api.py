"""Two clients of one server: gRPC, by descriptors that the server itself sends, and HTTP."""

import base64
import http.client
import json
import pathlib
import sys
import urllib.parse

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import gen_api  # noqa: E402  its few functions for protobuf's encoding
from program import LIMIT  # noqa: E402

HTTP_EXTENSION = 72295728  # google.api.http
VERBS = {2: "GET", 3: "PUT", 4: "POST", 5: "DELETE", 6: "PATCH"}  # the fields of HttpRule
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


class Grpc:
    """Calls by name, with dicts for messages, in protobuf's own JSON mapping."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address)
        self.pool = descriptor_pool.DescriptorPool()
        self.files = {}
        for symbol in [*self.services(), "temporal.api.errordetails.v1.NotFoundFailure"]:
            self.load(self.ask(4, symbol))

    def close(self):
        self.channel.close()

    def ask(self, field, text):
        """One question to the reflection service; the answer's fields."""
        call = self.channel.stream_stream(REFLECTION, request_serializer=None, response_deserializer=None)
        question = gen_api.serialize([(field, 2, text.encode())])
        return gen_api.parse(next(iter(call(iter([question])))))

    def services(self):
        listed = gen_api.get(self.ask(7, ""), 6)[0]
        names = [gen_api.text(gen_api.parse(s), 1) for s in gen_api.get(gen_api.parse(listed), 1)]
        return [n for n in names if not n.startswith("grpc.")]

    def load(self, answer):
        """A file of an answer and what it imports, imports first."""
        assert gen_api.get(answer, 4), answer
        for data in gen_api.get(gen_api.parse(gen_api.get(answer, 4)[0]), 1):
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name in self.files:
                continue
            self.files[file.name] = file
            for name in file.dependency:
                if name not in self.files:
                    self.load(self.ask(3, name))
            self.pool.Add(file)

    def methods(self):
        """[(service, method descriptor, [(verb, pattern, body)])]"""
        for name in self.services():
            service = self.pool.FindServiceByName(name)
            proto = next(s for s in self.files[service.file.name].service if s.name == service.name)
            for method in proto.method:
                yield service, service.methods_by_name[method.name], list(rules(method))

    def message(self, descriptor, value):
        return json_format.ParseDict(value, message_factory.GetMessageClass(descriptor)(), descriptor_pool=self.pool)

    def call(self, service, method, request, timeout=LIMIT):
        """(gRPC code, answer or {"code", "message", "details"})"""
        answer_class = message_factory.GetMessageClass(method.output_type)
        call = self.channel.unary_unary(f"/{service.full_name}/{method.name}",
                                        request_serializer=lambda m: m.SerializeToString(),
                                        response_deserializer=answer_class.FromString)
        try:
            answer = call(self.message(method.input_type, request), timeout=timeout)
        except grpc.RpcError as err:
            return err.code().value[0], self.error(err)
        return 0, json_format.MessageToDict(answer, descriptor_pool=self.pool)

    def error(self, err):
        trailers = dict(err.trailing_metadata() or ())
        details = []
        if "grpc-status-details-bin" in trailers:
            for data in gen_api.get(gen_api.parse(trailers["grpc-status-details-bin"]), 3):
                detail = gen_api.parse(data)
                url = gen_api.text(detail, 1)
                kind = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(url.split("/")[-1]))
                content = kind.FromString((gen_api.get(detail, 2) or [b""])[0])
                details.append({"@type": url, **json_format.MessageToDict(content, descriptor_pool=self.pool)})
        return {"code": err.code().value[0], "message": err.details(), "details": details}


def rules(method):
    """The google.api.http annotation of a method and its additional bindings."""
    if not method.HasField("options"):
        return
    for data in gen_api.get(gen_api.parse(method.options.SerializeToString()), HTTP_EXTENSION):
        yield from rule(gen_api.parse(data))


def rule(fields):
    for number, verb in VERBS.items():
        if gen_api.get(fields, number):
            yield verb, gen_api.text(fields, number), gen_api.text(fields, 7)
    for more in gen_api.get(fields, 11):
        yield from rule(gen_api.parse(more))


class Http:
    def __init__(self, port):
        self.port = port

    def call(self, verb, path, body=None, **headers):
        """(HTTP status, parsed answer, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            data = None if body is None else json.dumps(body) if not isinstance(body, str) else body
            if data is not None:
                headers = {"Content-Type": "application/json", **headers}
            connection.request(verb, path, body=data, headers=headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None, dict(answer.getheaders())
        finally:
            connection.close()


def quoted(text):
    return urllib.parse.quote(text, safe="")


def base64_of(text):
    return base64.b64encode(text.encode()).decode()
