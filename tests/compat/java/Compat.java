import static io.temporal.api.enums.v1.EventType.EVENT_TYPE_MARKER_RECORDED;
import static io.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;
import static io.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CANCELED;
import static io.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
import static io.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING;
import static io.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_TERMINATED;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.temporal.activity.ActivityCancellationType;
import io.temporal.api.common.v1.WorkflowExecution;
import io.temporal.api.common.v1.WorkflowType;
import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.api.enums.v1.WorkflowExecutionStatus;
import io.temporal.api.enums.v1.WorkflowIdConflictPolicy;
import io.temporal.api.enums.v1.WorkflowIdReusePolicy;
import io.temporal.api.sdk.v1.WorkflowMetadata;
import io.temporal.api.taskqueue.v1.TaskQueue;
import io.temporal.api.workflowservice.v1.DescribeTaskQueueRequest;
import io.temporal.api.workflowservice.v1.GetSystemInfoRequest;
import io.temporal.api.workflowservice.v1.GetWorkflowExecutionHistoryRequest;
import io.temporal.api.workflowservice.v1.StartWorkflowExecutionRequest;
import io.temporal.client.ActivityCanceledException;
import io.temporal.client.ActivityCompletionException;
import io.temporal.client.ActivityNotExistsException;
import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.client.WorkflowExecutionAlreadyStarted;
import io.temporal.client.WorkflowFailedException;
import io.temporal.client.WorkflowNotFoundException;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowQueryException;
import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowTargetOptions;
import io.temporal.common.Priority;
import io.temporal.common.RetryOptions;
import io.temporal.common.SearchAttributes;
import io.temporal.common.WorkflowExecutionHistory;
import io.temporal.failure.ApplicationFailure;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.testing.WorkflowReplayer;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import io.temporal.worker.WorkerOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What an application sees of the server through the published Java SDK, a test a row.
 *
 * <p>TEMPORAL_ADDRESS is a server with the namespace `default` and the search attributes CompatKeyword and CompatInt.
 * An argument is a regular expression over the names of the tests. The same file passes against Temporal's own dev
 * server.
 */
public final class Compat {
  static final int AT_ONCE = 8;
  static final int PATIENCE_SECONDS = 120;
  static final String TASK_QUEUE = "compat-" + UUID.randomUUID();
  static final Map<String, Test> tests = new LinkedHashMap<>();

  static WorkflowServiceStubs service;
  static WorkflowClient client;

  interface Test {
    void run() throws Exception;
  }

  // ---- starting, waiting, comparing ----

  static WorkflowOptions.Builder options() {
    return WorkflowOptions.newBuilder().setTaskQueue(TASK_QUEUE).setWorkflowId(UUID.randomUUID().toString());
  }

  static WorkflowStub start(WorkflowOptions.Builder options, String type, Object... args) {
    WorkflowStub stub = client.newUntypedWorkflowStub(type, options.build());
    stub.start(args);
    return stub;
  }

  static WorkflowStub start(String type, Object... args) {
    return start(options(), type, args);
  }

  static Object result(WorkflowStub stub) throws Exception {
    return stub.getResult(PATIENCE_SECONDS, TimeUnit.SECONDS, Object.class);
  }

  static Object run(String type, Object... args) throws Exception {
    return result(start(type, args));
  }

  /** The classes of a failed workflow's error and its causes. */
  static String failure(WorkflowStub stub) throws Exception {
    try {
      return "no failure but " + result(stub);
    } catch (WorkflowFailedException err) {
      return Workflows.explain(err.getCause());
    }
  }

  static String id(WorkflowStub stub) {
    return stub.getExecution().getWorkflowId();
  }

  /** The workflow's current run, whichever it is. */
  static WorkflowStub current(String id) {
    return client.newUntypedWorkflowStub(WorkflowTargetOptions.newBuilder().setWorkflowId(id).build());
  }

  static WorkflowStub exact(WorkflowExecution execution, String firstRunId) {
    var target = WorkflowTargetOptions.newBuilder().setWorkflowExecution(execution);
    return client.newUntypedWorkflowStub(target.setFirstExecutionRunId(firstRunId).build());
  }

  static WorkflowExecutionStatus status(String id) {
    return current(id).describe().getStatus();
  }

  static <T> T eventually(String what, Callable<T> value) throws Exception {
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS); ; Thread.sleep(100)) {
      T got = value.call();
      if (got != null && !Boolean.FALSE.equals(got)) return got;
      check(System.nanoTime() < end, "not after " + PATIENCE_SECONDS + " s: " + what);
    }
  }

  static void check(boolean holds, String why) {
    if (!holds) throw new AssertionError(why);
  }

  static void equal(Object got, Object wanted) {
    check(Objects.equals(got, wanted), "got " + got + ", wanted " + wanted);
  }

  static void matches(String pattern, String text) {
    check(Pattern.compile(pattern).matcher(text).find(), text + " does not match " + pattern);
  }

  static <E extends Throwable> E refused(Class<E> how, Test body) throws Exception {
    try {
      body.run();
    } catch (Exception err) {
      if (how.isInstance(err)) return how.cast(err);
      throw err;
    }
    throw new AssertionError("no " + how.getSimpleName());
  }

  // ---- activities ----

  static void activities() {
    Map<String, List<Object>> rows = new LinkedHashMap<>();
    rows.put("activities: a result comes back",
        List.of(Workflows.Call.of("Echo", List.of(1, "x")), List.of(1, "x")));
    rows.put("activities: retries until it succeeds", List.of(Workflows.Call.of("FailTimes", 2), 3));
    rows.put("activities: maximum attempts end it",
        List.of(Workflows.Call.of("FailTimes", 9).attempts(2),
            "ActivityFailure MAXIMUM_ATTEMPTS_REACHED < ApplicationFailure Flaky: attempt 2"));
    rows.put("activities: a non-retryable failure ends it",
        List.of(Workflows.Call.of("FailForGood", null),
            "ActivityFailure NON_RETRYABLE_FAILURE < ApplicationFailure Final: never again"));
    rows.put("activities: start-to-close timeout",
        List.of(Workflows.Call.of("Hang", null).attempts(1).startToClose(300),
            "ActivityFailure MAXIMUM_ATTEMPTS_REACHED < TimeoutFailure START_TO_CLOSE"));
    rows.put("activities: schedule-to-start timeout",
        List.of(Workflows.Call.of("Echo", 1).nobody(300),
            "ActivityFailure TIMEOUT < TimeoutFailure SCHEDULE_TO_START"));
    rows.put("activities: schedule-to-close timeout",
        List.of(Workflows.Call.of("Hang", null).scheduleToClose(4000),
            "ActivityFailure TIMEOUT < TimeoutFailure SCHEDULE_TO_CLOSE"));
    rows.put("activities: heartbeat timeout",
        List.of(Workflows.Call.of("Hang", null).attempts(1).heartbeat(300),
            "ActivityFailure MAXIMUM_ATTEMPTS_REACHED < TimeoutFailure HEARTBEAT"));
    rows.put("activities: heartbeat details reach the next attempt",
        List.of(Workflows.Call.of("HeartbeatAndFail", null).heartbeat(5000), "half way"));
    rows.put("local activities: a result comes back",
        List.of(Workflows.Call.of("Echo", "here").locally(), "here"));
    rows.put("local activities: retries until it succeeds",
        List.of(Workflows.Call.of("FailTimes", 2).attempts(5).locally(), 3));
    rows.forEach((name, row) -> tests.put(name, () -> equal(run("CallActivity", row.get(0)), row.get(1))));

    tests.put("activities: cancelled", () -> {
      var outcomes = Map.of(
          ActivityCancellationType.WAIT_CANCELLATION_COMPLETED, "^tidied up",
          ActivityCancellationType.TRY_CANCEL, "CanceledFailure",
          ActivityCancellationType.ABANDON, "CanceledFailure");
      for (var row : outcomes.entrySet()) {
        WorkflowStub stub = start("CancelActivity", row.getKey());
        eventually("the activity started", () -> {
          var pending = stub.describe().getRawDescription().getPendingActivitiesList();
          return pending.size() == 1 && pending.get(0).getState() == PENDING_ACTIVITY_STATE_STARTED;
        });
        stub.signal("go");
        matches(row.getValue(), result(stub).toString());
      }
    });
    tests.put("async completion: complete, fail and report a cancellation", () -> {
      var completion = client.newActivityCompletionClient();
      String key = UUID.randomUUID().toString();
      WorkflowStub stub = start("CallActivity", Workflows.Call.of("HandOver", key));
      byte[] token = eventually("handed over", () -> Workflows.handedOver.get(key)).getTaskToken();
      completion.heartbeat(token, "alive");
      completion.complete(token, "done outside");
      equal(result(stub), "done outside");
      refused(ActivityNotExistsException.class, () -> completion.complete(token, "twice"));

      String other = UUID.randomUUID().toString();
      stub = start("CallActivity", Workflows.Call.of("HandOver", other).attempts(1));
      var info = eventually("handed over", () -> Workflows.handedOver.get(other));
      var error = ApplicationFailure.newFailure("failed outside", "Outside");
      completion.completeExceptionally(id(stub), Optional.empty(), info.getActivityId(), error);
      matches("ApplicationFailure Outside: failed outside", result(stub).toString());

      String last = UUID.randomUUID().toString();
      stub = start("CallActivity", Workflows.Call.of("HandOver", last));
      byte[] cancelled = eventually("handed over", () -> Workflows.handedOver.get(last)).getTaskToken();
      stub.cancel();
      eventually("cancelled", () -> {
        try {
          completion.heartbeat(cancelled, null);
          return false;
        } catch (ActivityCompletionException err) { // the client wraps the reason
          return err.getCause() instanceof ActivityCanceledException;
        }
      });
      completion.reportCancellation(cancelled, "gone");
      equal(failure(stub), "CanceledFailure");
    });
    tests.put("failures: details and causes cross workflows and activities", () -> {
      var err = refused(WorkflowFailedException.class, () -> run("Fail"));
      equal(Workflows.explain(err.getCause()),
          "ActivityFailure NON_RETRYABLE_FAILURE < ApplicationFailure Outer: outer < ApplicationFailure Inner: inner");
      var outer = (ApplicationFailure) err.getCause().getCause();
      equal(List.of(outer.getDetails().get(0, String.class), outer.getDetails().get(1, Integer.class)),
          List.of("a", 7));
      equal(((ApplicationFailure) outer.getCause()).getDetails().get(Map.class), Map.of("why", "deep"));
      matches("failWithCause", List.of(outer.getStackTrace()).toString());
    });
  }

  // ---- workflows: cancellation, timers, children, runs that follow runs ----

  static void workflows() {
    tests.put("cancellation: of a workflow, with and without cleaning up", () -> {
      for (String how : List.of("plain", "cleanup")) {
        WorkflowStub stub = start("Block", how);
        stub.cancel("a reason");
        equal(failure(stub), "CanceledFailure");
        equal(status(id(stub)), WORKFLOW_EXECUTION_STATUS_CANCELED);
      }
    });
    tests.put("cancellation: terminate", () -> {
      WorkflowStub stub = start("Block", "plain");
      stub.terminate("enough", "detail");
      matches("TerminatedFailure", failure(stub));
    });
    tests.put("cancellation: by the first run of a chain, and not by a run that is over", () -> {
      WorkflowStub stub = start("Renew", false);
      WorkflowExecution first = stub.getExecution();
      eventually("renewed", () -> !current(first.getWorkflowId()).describe().getExecution().equals(first));
      refused(WorkflowNotFoundException.class, () -> exact(first, null).terminate("by the run"));
      equal(status(first.getWorkflowId()), WORKFLOW_EXECUTION_STATUS_RUNNING);
      exact(first, first.getRunId()).terminate("by the chain");
      equal(status(first.getWorkflowId()), WORKFLOW_EXECUTION_STATUS_TERMINATED);
    });
    tests.put("timers: sleep, wait with a timeout, cancel, execution timeout", () -> {
      equal(run("Timers"), List.of("slept", false, "CanceledFailure"));
      var options = options().setWorkflowExecutionTimeout(Duration.ofMillis(500));
      matches("TimeoutFailure START_TO_CLOSE", failure(start(options, "Block", "plain")));
    });
    tests.put("child workflows: result, failure, cancellation", () -> {
      equal(run("Parent", "ok"), "ok");
      equal(run("Parent", "fail"),
          "ChildWorkflowFailure RETRY_POLICY_NOT_SET < ApplicationFailure Told: told to");
      matches("CanceledFailure", run("Parent", "cancel").toString());
    });
    tests.put("child workflows: parent close policies", () -> {
      var outcomes = Map.of(
          ParentClosePolicy.PARENT_CLOSE_POLICY_TERMINATE, WORKFLOW_EXECUTION_STATUS_TERMINATED,
          ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON, WORKFLOW_EXECUTION_STATUS_RUNNING,
          ParentClosePolicy.PARENT_CLOSE_POLICY_REQUEST_CANCEL, WORKFLOW_EXECUTION_STATUS_CANCELED);
      for (var row : outcomes.entrySet()) {
        String child = UUID.randomUUID().toString();
        run("LeaveChild", child, row.getKey());
        eventually(row.getKey().name(), () -> status(child) == row.getValue());
        if (row.getValue() == WORKFLOW_EXECUTION_STATUS_RUNNING) current(child).terminate("done");
      }
    });
    tests.put("continue-as-new: the result is that of the last run", () -> {
      WorkflowStub stub = start("CountDown", 3);
      equal(result(stub), 0);
      equal(current(id(stub)).describe().getFirstRunId(), stub.getExecution().getRunId());
      equal(exact(stub.getExecution(), null).describe().getStatus(), WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW);
    });
    tests.put("cron and retry: a workflow with a retry policy, a cron", () -> {
      var fast = RetryOptions.newBuilder().setInitialInterval(Duration.ofMillis(50)).setMaximumAttempts(5);
      equal(result(start(options().setRetryOptions(fast.build()), "FailRuns", 2)), 3);
      WorkflowStub cron = start(options().setCronSchedule("@every 1s"), "Ticks");
      String query = "WorkflowId = '" + id(cron) + "' AND ExecutionStatus = 'Completed'";
      eventually("two ticks", () -> client.countWorkflows(query).getCount() >= 2);
      current(id(cron)).terminate("done");
    });
  }

  // ---- signals, queries, visibility ----

  static void messages() {
    tests.put("signals: in order, with start, from another workflow, cancels", () -> {
      WorkflowStub stub = client.newUntypedWorkflowStub("Collect", options().build());
      stub.signalWithStart("go", new Object[] {0}, new Object[] {21});
      for (int i = 1; i < 20; i++) stub.signal("go", i);
      equal(run("Reach", id(stub), "signal"), "done");
      List<Object> wanted = IntStream.range(0, 20).boxed().collect(Collectors.toList());
      wanted.add("from outside");
      equal(result(stub), wanted);
      equal(run("Reach", UUID.randomUUID().toString(), "signal"), "refused");
      refused(WorkflowNotFoundException.class, () -> stub.signal("go", "too late"));
      WorkflowStub blocked = start("Block", "plain");
      equal(run("Reach", id(blocked), "cancel"), "done");
      matches("CanceledFailure", failure(blocked));
      equal(run("Reach", UUID.randomUUID().toString(), "cancel"), "refused");
    });
    tests.put("queries: live, after the close, with an error, unknown", () -> {
      WorkflowStub stub = start("Collect", 1);
      equal(stub.query("seen", List.class), List.of());
      stub.signal("go", "a");
      result(stub);
      equal(stub.query("seen", List.class), List.of("a"));
      for (String name : List.of("fail", "unheard of")) {
        var err = refused(WorkflowQueryException.class, () -> stub.query(name, String.class));
        matches("the query fails|Unknown query type", err.getCause().getMessage());
      }
      equal(stub.query("__temporal_workflow_metadata", WorkflowMetadata.class).getDefinition().getType(), "Collect");
    });
    tests.put("memo and search attributes: at start, upserted, listed, counted", () -> {
      String mark = UUID.randomUUID().toString();
      var attributes = SearchAttributes.newBuilder().set(Workflows.KEYWORD, mark).build();
      List<WorkflowStub> stubs = new ArrayList<>();
      for (long i = 0; i < 3; i++) {
        var options = options().setMemo(Map.of("a", i)).setTypedSearchAttributes(attributes);
        stubs.add(start(options, "Upsert", i));
      }
      for (WorkflowStub stub : stubs) result(stub);
      var description = stubs.get(2).describe();
      equal(description.getMemo("a", Integer.class) + " " + description.getMemo("b", String.class), "2 upserted");
      equal(description.getTypedSearchAttributes().get(Workflows.INT), 2L);
      String query = "CompatKeyword = '" + mark + "' AND CompatInt > 0";
      eventually("counted", () -> client.countWorkflows(query).getCount() == 2);
      equal(client.listExecutions(query).map(one -> one.getExecution().getWorkflowId()).sorted().toList(),
          stubs.subList(1, 3).stream().map(Compat::id).sorted().toList());
      var groups = client.countWorkflows("CompatKeyword = '" + mark + "' GROUP BY ExecutionStatus").getGroups();
      equal(groups.get(0).getGroupValues() + " " + groups.get(0).getCount(), "[[Completed]] 3");
    });
  }

  // ---- start options, versions, replay, the service ----

  static void service() {
    tests.put("start options: ids, eager start, start delay, priority, summary", () -> {
      String name = UUID.randomUUID().toString();
      WorkflowStub stub = start(options().setWorkflowId(name).setStaticSummary("in short"), "Block", "plain");
      equal(stub.describe().getStaticSummary(), "in short");
      var taken = refused(WorkflowExecutionAlreadyStarted.class,
          () -> start(options().setWorkflowId(name), "Block", "plain"));
      equal(taken.getExecution(), stub.getExecution());
      var use = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING;
      var same = start(options().setWorkflowId(name).setWorkflowIdConflictPolicy(use), "Block", "plain");
      equal(same.getExecution(), stub.getExecution());
      var replace = WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING;
      same = start(options().setWorkflowId(name).setWorkflowIdConflictPolicy(replace), "Ticks");
      matches("TerminatedFailure", failure(exact(stub.getExecution(), null)));
      equal(result(same), 1);
      for (var policy : List.of("REJECT_DUPLICATE", "ALLOW_DUPLICATE_FAILED_ONLY")) {
        var reuse = WorkflowIdReusePolicy.valueOf("WORKFLOW_ID_REUSE_POLICY_" + policy);
        refused(WorkflowExecutionAlreadyStarted.class,
            () -> start(options().setWorkflowId(name).setWorkflowIdReusePolicy(reuse), "Ticks"));
      }

      WorkflowStub eager = start(options().setDisableEagerExecution(false), "Ticks");
      equal(result(eager), 1);
      var started = client.fetchHistory(id(eager)).getEvents().get(0).getWorkflowExecutionStartedEventAttributes();
      check(started.getEagerExecutionAccepted(), "not eager");
      long began = System.nanoTime();
      result(start(options().setStartDelay(Duration.ofSeconds(1)), "Ticks"));
      check(System.nanoTime() - began > 950_000_000L, "started early");

      var tenant = Priority.newBuilder().setPriorityKey(4).setFairnessKey("tenant").setFairnessWeight(2).build();
      equal(result(start(options().setPriority(tenant), "SeePriority")), List.of(1, "tenant", 2.0));
    });
    tests.put("versioning: versions and side effects are markers", () -> {
      WorkflowStub stub = start("Versioned");
      equal(result(stub), "2 5");
      var events = client.fetchHistory(id(stub)).getEvents();
      equal(events.stream().filter(event -> event.getEventType() == EVENT_TYPE_MARKER_RECORDED).count(), 3L);
    });
    tests.put("replay: fetched histories replay, other code is found out", () -> {
      var local = Workflows.Call.of("FailTimes", 1).locally();
      var stubs = List.of(start("Versioned"), start("CallActivity", local), start("Parent", "cancel"), start("Timers"));
      Class<?>[] others = Arrays.copyOfRange(Workflows.ALL, 1, Workflows.ALL.length);
      for (WorkflowStub stub : stubs) {
        result(stub);
        String json = client.fetchHistory(id(stub)).toJson(true);
        WorkflowReplayer.replayWorkflowExecution(json, Workflows.ALL[0], others);
      }
      var history = client.fetchHistory(id(stubs.get(3))).getHistory().toBuilder();
      history.getEventsBuilder(0).getWorkflowExecutionStartedEventAttributesBuilder()
          .setWorkflowType(WorkflowType.newBuilder().setName("Versioned"));
      var other = new WorkflowExecutionHistory(history.build());
      var err = refused(RuntimeException.class,
          () -> WorkflowReplayer.replayWorkflowExecution(other, Workflows.VersionedImpl.class));
      matches("TMPRL1100|NonDeterministic", Workflows.explain(err) + err);
    });
    tests.put("history: event ids are contiguous over pages", () -> {
      WorkflowStub stub = start("Collect", 12);
      for (int i = 0; i < 12; i++) stub.signal("go", i);
      result(stub);
      var request = GetWorkflowExecutionHistoryRequest.newBuilder().setNamespace("default").setMaximumPageSize(3)
          .setExecution(stub.getExecution());
      List<Long> ids = new ArrayList<>();
      do {
        var page = service.blockingStub().getWorkflowExecutionHistory(request.build());
        page.getHistory().getEventsList().forEach(event -> ids.add(event.getEventId()));
        request.setNextPageToken(page.getNextPageToken());
      } while (!request.getNextPageToken().isEmpty());
      equal(ids, IntStream.rangeClosed(1, ids.size()).mapToObj(Long::valueOf).toList());
    });
    tests.put("errors: what is wrong is said", () -> {
      var good = StartWorkflowExecutionRequest.newBuilder().setNamespace("default").setWorkflowId("x")
          .setWorkflowType(WorkflowType.newBuilder().setName("x")).setRequestId(UUID.randomUUID().toString())
          .setTaskQueue(TaskQueue.newBuilder().setName("x")).build();
      var wrong = new LinkedHashMap<StartWorkflowExecutionRequest, Status.Code>();
      wrong.put(good.toBuilder().clearTaskQueue().build(), Status.Code.INVALID_ARGUMENT);
      wrong.put(good.toBuilder().setNamespace("no-such-namespace").build(), Status.Code.NOT_FOUND);
      wrong.put(good.toBuilder().setWorkflowId("x".repeat(1001)).build(), Status.Code.INVALID_ARGUMENT);
      for (var row : wrong.entrySet()) {
        var err = refused(StatusRuntimeException.class,
            () -> service.blockingStub().startWorkflowExecution(row.getKey()));
        equal(err.getStatus().getCode(), row.getValue());
      }
    });
    tests.put("task queues: pollers are described, capabilities are told", () -> {
      var request = DescribeTaskQueueRequest.newBuilder().setNamespace("default")
          .setTaskQueue(TaskQueue.newBuilder().setName(TASK_QUEUE)).build();
      eventually("a poller", () -> service.blockingStub().describeTaskQueue(request).getPollersCount() > 0);
      var info = service.blockingStub().getSystemInfo(GetSystemInfoRequest.getDefaultInstance()).getCapabilities();
      boolean told = info.getSignalAndQueryHeader() && info.getEagerWorkflowStart();
      check(told && info.getEncodedFailureAttributes(), "capabilities are " + info);
    });
  }

  // ---- the runner ----

  static void runOne(String name, Test body) {
    try {
      body.run();
      System.out.println("ok " + name);
    } catch (Throwable err) {
      String why = (err + " " + Objects.toString(err.getCause(), "")).replaceAll("\\s+", " ");
      System.out.println("not ok " + name + " # " + why.substring(0, Math.min(why.length(), 400)));
    }
  }

  public static void main(String[] args) throws Exception {
    String address = Objects.requireNonNullElse(System.getenv("TEMPORAL_ADDRESS"), "127.0.0.1:7233");
    service = WorkflowServiceStubs.newServiceStubs(WorkflowServiceStubsOptions.newBuilder().setTarget(address).build());
    client = WorkflowClient.newInstance(service, WorkflowClientOptions.newBuilder().setNamespace("default").build());
    WorkerFactory factory = WorkerFactory.newInstance(client);
    var often = Duration.ofMillis(200);
    var options = WorkerOptions.newBuilder().setMaxHeartbeatThrottleInterval(often);
    Worker worker = factory.newWorker(TASK_QUEUE, options.setDefaultHeartbeatThrottleInterval(often).build());
    worker.registerWorkflowImplementationTypes(Workflows.ALL);
    worker.registerActivitiesImplementations(new Workflows.ActivitiesImpl());
    factory.start();
    activities();
    workflows();
    messages();
    service();
    var lanes = Executors.newFixedThreadPool(AT_ONCE);
    var wanted = Pattern.compile(args.length > 0 ? args[0] : ".");
    tests.forEach((name, body) -> {
      if (wanted.matcher(name).find()) lanes.execute(() -> runOne(name, body));
    });
    lanes.shutdown();
    boolean ended = lanes.awaitTermination(400, TimeUnit.SECONDS);
    factory.shutdownNow();
    service.shutdownNow();
    System.exit(ended ? 0 : 1);
  }
}
