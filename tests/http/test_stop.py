"""The end of a server whose calls do not end."""

import threading

from api import Grpc
from program import LIMIT, Case, until


class Stop(Case):
    def call(self, name, request):
        code, answer = self.grpc.call(self.service, self.service.methods_by_name[name], {"namespace": "default", **request})
        self.assertEqual(code, 0, answer)
        return answer

    def poll(self):
        return self.call("PollWorkflowTaskQueue", {"taskQueue": {"name": "q"}, "identity": "worker"})

    def test_calls_that_outlive_their_time_are_left(self):
        server = self.start("--store", "memory:", "--shutdown-timeout", "100ms")
        self.grpc = Grpc(server.address)
        self.addCleanup(self.grpc.close)
        self.service = self.grpc.pool.FindServiceByName("temporal.api.workflowservice.v1.WorkflowService")
        self.call("StartWorkflowExecution", {"workflowId": "w", "workflowType": {"name": "T"}, "taskQueue": {"name": "q"}})
        self.call("RespondWorkflowTaskCompleted", {"taskToken": self.poll()["taskToken"]})
        query = {"namespace": "default", "execution": {"workflowId": "w"}, "query": {"queryType": "state"}}
        asking = threading.Thread(target=self.grpc.call, daemon=True, args=(
            self.service, self.service.methods_by_name["QueryWorkflow"], query, LIMIT))
        asking.start()
        self.assertEqual(self.poll()["query"]["queryType"], "state")  # which the worker never answers
        self.assertEqual(server.stop(), 0)
        asking.join()
        said = until("it says so", lambda: [e for e in server.log if e["message"].startswith("stopped")])
        self.assertEqual([(e["message"], e["calls"]) for e in said], [("stopped before all calls had ended", 1)])
