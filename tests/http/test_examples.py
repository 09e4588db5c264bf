"""docs/http-api.md is true: its examples are run as they stand, its tables are compared."""

import json
import pathlib
import re
import subprocess

from program import LIMIT, ROOT, Case
from test_routes import STATUS

PAGE = (pathlib.Path(ROOT) / "docs" / "http-api.md").read_text()
EXAMPLES = re.findall(r"```sh\n(.*?)```", PAGE, re.S)


class Docs(Case):
    def test_the_examples_work(self):
        server = self.start(command="start-dev")
        answers = []
        for example in EXAMPLES:
            command = example.replace("127.0.0.1:8233", f"127.0.0.1:{server.ui_port}")
            # the exit code is curl's: an HTTP error is one
            done = subprocess.run(["sh", "-euc", command.replace("curl -s", "curl --fail-with-body -s", 1)],
                                  capture_output=True, text=True, timeout=LIMIT)
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
            answers.append(json.loads(done.stdout))
        self.assertGreaterEqual(len(answers), 9)
        by = {re.search(r"8233/(\S+?)['\s]", example + " ").group(1): answer
              for example, answer in zip(EXAMPLES, answers, strict=True)}
        workflows = "api/v1/namespaces/default/workflow"
        self.assertEqual(by[workflows + "s"]["executions"][0]["memo"]["fields"], {"customer": "Ada"})
        self.assertEqual(by[workflows + "-count"]["count"], "1")
        self.assertEqual(by[workflows + "s/order-1/history"]["history"]["events"][0]["eventType"],
                         "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED")

    def test_the_table_of_errors(self):
        names = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
                 "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
                 "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"]
        table = dict(re.findall(r"^\| ([A-Z_, ]+) \| (\d+)", PAGE, re.M))
        said = {name: int(status) for row, status in table.items() for name in row.split(", ")}
        for code, status in STATUS.items():
            if code:
                self.assertEqual(said.get(names[code], 500), status, names[code])
