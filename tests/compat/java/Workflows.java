import io.temporal.activity.Activity;
import io.temporal.activity.ActivityCancellationType;
import io.temporal.activity.ActivityInfo;
import io.temporal.activity.ActivityInterface;
import io.temporal.activity.ActivityOptions;
import io.temporal.activity.LocalActivityOptions;
import io.temporal.api.enums.v1.ParentClosePolicy;
import io.temporal.client.ActivityCanceledException;
import io.temporal.common.Priority;
import io.temporal.common.RetryOptions;
import io.temporal.common.SearchAttributeKey;
import io.temporal.failure.ActivityFailure;
import io.temporal.failure.ApplicationFailure;
import io.temporal.failure.CanceledFailure;
import io.temporal.failure.ChildWorkflowFailure;
import io.temporal.failure.TimeoutFailure;
import io.temporal.workflow.CancelExternalWorkflowException;
import io.temporal.workflow.CancellationScope;
import io.temporal.workflow.ChildWorkflowOptions;
import io.temporal.workflow.ChildWorkflowStub;
import io.temporal.workflow.ExternalWorkflowStub;
import io.temporal.workflow.Promise;
import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Workflows and activities for Compat.java: small, one thing each. */
public final class Workflows {
  static final SearchAttributeKey<String> KEYWORD = SearchAttributeKey.forKeyword("CompatKeyword");
  static final SearchAttributeKey<Long> INT = SearchAttributeKey.forLong("CompatInt");
  static final Map<String, ActivityInfo> handedOver = new ConcurrentHashMap<>();

  /** "ActivityFailure TIMEOUT < ApplicationFailure Flaky: message", for plain comparisons. */
  static String explain(Throwable err) {
    var text = new StringBuilder();
    for (Throwable at = err; at != null; at = at.getCause()) {
      text.append(at == err ? "" : " < ").append(at.getClass().getSimpleName());
      if (at instanceof ActivityFailure activity) text.append(" ").append(name(activity.getRetryState()));
      if (at instanceof ChildWorkflowFailure child) text.append(" ").append(name(child.getRetryState()));
      if (at instanceof TimeoutFailure timeout) text.append(" ").append(name(timeout.getTimeoutType()));
      if (at instanceof ApplicationFailure application)
        text.append(" " + application.getType() + ": " + application.getOriginalMessage());
    }
    return text.toString();
  }

  private static String name(Enum<?> value) {
    return value.name().replaceFirst("^(RETRY_STATE|TIMEOUT_TYPE)_", "");
  }

  @ActivityInterface(namePrefix = "")
  public interface Activities {
    Object echo(Object value);

    int failTimes(int failures);

    void failForGood();

    void failWithCause();

    void hang() throws InterruptedException;

    String heartbeatAndFail();

    String waitForCancel() throws InterruptedException;

    String handOver(String key);

    List<Object> seePriority();
  }

  public static class ActivitiesImpl implements Activities {
    private final CountDownLatch never = new CountDownLatch(1);

    public Object echo(Object value) {
      return value;
    }

    public int failTimes(int failures) {
      int attempt = Activity.getExecutionContext().getInfo().getAttempt();
      if (attempt > failures) return attempt;
      throw ApplicationFailure.newFailure("attempt " + attempt, "Flaky");
    }

    public void failForGood() {
      throw ApplicationFailure.newNonRetryableFailure("never again", "Final");
    }

    public void failWithCause() {
      var cause = ApplicationFailure.newFailure("inner", "Inner", Map.of("why", "deep"));
      throw ApplicationFailure.newNonRetryableFailureWithCause("outer", "Outer", cause, "a", 7);
    }

    public void hang() throws InterruptedException {
      never.await(10, TimeUnit.SECONDS);
    }

    public String heartbeatAndFail() {
      var context = Activity.getExecutionContext();
      if (context.getInfo().getAttempt() > 1) return context.getHeartbeatDetails(String.class).orElse("none");
      context.heartbeat("half way");
      throw ApplicationFailure.newFailure("half way", "Flaky");
    }

    public String waitForCancel() throws InterruptedException {
      while (true) {
        try {
          Activity.getExecutionContext().heartbeat(null);
        } catch (ActivityCanceledException err) {
          return "tidied up";
        }
        never.await(100, TimeUnit.MILLISECONDS);
      }
    }

    public String handOver(String key) {
      var context = Activity.getExecutionContext();
      context.doNotCompleteOnReturn();
      handedOver.put(key, context.getInfo());
      return null;
    }

    public List<Object> seePriority() {
      Priority priority = Activity.getExecutionContext().getInfo().getPriority();
      return List.of(priority.getPriorityKey(), priority.getFairnessKey(), priority.getFairnessWeight());
    }
  }

  private static ActivityOptions.Builder aMinute() {
    return ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofMinutes(1));
  }

  /** One call of an activity; times in milliseconds, 0: none. */
  public record Call(
      String activity, Object arg, int attempts, long startToClose, long scheduleToStart, long scheduleToClose,
      long heartbeat, String taskQueue, boolean local) {
    static Call of(String activity, Object arg) {
      return new Call(activity, arg, 0, 60000, 0, 0, 0, null, false);
    }

    Call attempts(int n) {
      return new Call(activity, arg, n, startToClose, scheduleToStart, scheduleToClose, heartbeat, taskQueue, local);
    }

    Call startToClose(long ms) {
      return new Call(activity, arg, attempts, ms, scheduleToStart, scheduleToClose, heartbeat, taskQueue, local);
    }

    Call nobody(long ms) {
      return new Call(activity, arg, attempts, startToClose, ms, scheduleToClose, heartbeat, "nobody", local);
    }

    Call scheduleToClose(long ms) {
      return new Call(activity, arg, attempts, startToClose, scheduleToStart, ms, heartbeat, taskQueue, local);
    }

    Call heartbeat(long ms) {
      return new Call(activity, arg, attempts, startToClose, scheduleToStart, scheduleToClose, ms, taskQueue, local);
    }

    Call locally() {
      return new Call(activity, arg, attempts, startToClose, 0, scheduleToClose, 0, null, true);
    }
  }

  @WorkflowInterface
  public interface CallActivity {
    @WorkflowMethod
    Object run(Call call);
  }

  public static class CallActivityImpl implements CallActivity {
    private static Duration time(long ms) {
      return ms == 0 ? null : Duration.ofMillis(ms);
    }

    public Object run(Call call) {
      var retry = RetryOptions.newBuilder().setInitialInterval(Duration.ofMillis(50)).setBackoffCoefficient(1);
      var options =
          ActivityOptions.newBuilder()
              .setStartToCloseTimeout(time(call.startToClose()))
              .setScheduleToStartTimeout(time(call.scheduleToStart()))
              .setScheduleToCloseTimeout(time(call.scheduleToClose()))
              .setHeartbeatTimeout(time(call.heartbeat()))
              .setTaskQueue(call.taskQueue())
              .setCancellationType(ActivityCancellationType.WAIT_CANCELLATION_COMPLETED)
              .setRetryOptions(retry.setMaximumAttempts(call.attempts()).build())
              .build();
      var local =
          LocalActivityOptions.newBuilder()
              .setStartToCloseTimeout(time(call.startToClose()))
              .setRetryOptions(options.getRetryOptions())
              .build();
      var stub =
          call.local() ? Workflow.newUntypedLocalActivityStub(local) : Workflow.newUntypedActivityStub(options);
      try {
        Object[] args = call.arg() == null ? new Object[0] : new Object[] {call.arg()};
        return stub.execute(call.activity(), Object.class, args);
      } catch (ActivityFailure err) {
        return explain(err);
      }
    }
  }

  @WorkflowInterface
  public interface CancelActivity {
    @WorkflowMethod
    String run(ActivityCancellationType how);

    @SignalMethod
    void go();
  }

  public static class CancelActivityImpl implements CancelActivity {
    private boolean told;

    public String run(ActivityCancellationType how) {
      var options = aMinute().setHeartbeatTimeout(Duration.ofSeconds(5)).setCancellationType(how).build();
      var promise = new ArrayList<Promise<String>>();
      CancellationScope scope =
          Workflow.newCancellationScope(
              () -> promise.add(Workflow.newUntypedActivityStub(options).executeAsync("WaitForCancel", String.class)));
      scope.run();
      Workflow.await(() -> told);
      scope.cancel();
      try {
        return promise.get(0).get();
      } catch (ActivityFailure err) {
        return explain(err);
      }
    }

    public void go() {
      told = true;
    }
  }

  @WorkflowInterface
  public interface Fail {
    @WorkflowMethod
    void run();
  }

  public static class FailImpl implements Fail {
    public void run() {
      Workflow.newUntypedActivityStub(aMinute().build()).execute("FailWithCause", Void.class);
    }
  }

  @WorkflowInterface
  public interface Block {
    @WorkflowMethod
    String run(String how);
  }

  public static class BlockImpl implements Block {
    public String run(String how) {
      try {
        Workflow.await(() -> false);
      } catch (CanceledFailure err) {
        var stub = Workflow.newUntypedActivityStub(aMinute().build());
        if (how.equals("cleanup"))
          Workflow.newDetachedCancellationScope(() -> stub.execute("Echo", Object.class, "cleaning")).run();
        throw err;
      }
      return "not reached";
    }
  }

  @WorkflowInterface
  public interface Timers {
    @WorkflowMethod
    List<Object> run();
  }

  public static class TimersImpl implements Timers {
    public List<Object> run() {
      Workflow.sleep(Duration.ofMillis(100));
      boolean heard = Workflow.await(Duration.ofMillis(100), () -> false);
      var hours = new ArrayList<Promise<Void>>();
      var scope = Workflow.newCancellationScope(() -> hours.add(Workflow.newTimer(Duration.ofHours(1))));
      scope.run();
      Workflow.sleep(Duration.ofMillis(10)); // so that the cancel is a command of its own
      scope.cancel();
      return List.of("slept", heard, hours.get(0).getFailure().getClass().getSimpleName());
    }
  }

  @WorkflowInterface
  public interface ChildOfOurs {
    @WorkflowMethod
    String run(String how);
  }

  public static class ChildOfOursImpl implements ChildOfOurs {
    public String run(String how) {
      if (how.equals("fail")) throw ApplicationFailure.newNonRetryableFailure("told to", "Told");
      if (how.equals("cancel")) Workflow.await(() -> false);
      return how;
    }
  }

  @WorkflowInterface
  public interface Parent {
    @WorkflowMethod
    String run(String how);
  }

  public static class ParentImpl implements Parent {
    public String run(String how) {
      ChildWorkflowStub child = Workflow.newUntypedChildWorkflowStub("ChildOfOurs");
      var result = new ArrayList<Promise<String>>();
      var scope = Workflow.newCancellationScope(() -> result.add(child.executeAsync(String.class, how)));
      scope.run();
      child.getExecution().get();
      if (how.equals("cancel")) scope.cancel();
      try {
        return result.get(0).get();
      } catch (ChildWorkflowFailure err) {
        return explain(err);
      }
    }
  }

  @WorkflowInterface
  public interface LeaveChild {
    @WorkflowMethod
    void run(String id, ParentClosePolicy policy);
  }

  public static class LeaveChildImpl implements LeaveChild {
    public void run(String id, ParentClosePolicy policy) {
      var options = ChildWorkflowOptions.newBuilder().setWorkflowId(id).setParentClosePolicy(policy).build();
      ChildWorkflowStub child = Workflow.newUntypedChildWorkflowStub("Block", options);
      child.executeAsync(String.class, "plain");
      child.getExecution().get();
    }
  }

  @WorkflowInterface
  public interface CountDown {
    @WorkflowMethod
    int run(int left);
  }

  public static class CountDownImpl implements CountDown {
    public int run(int left) {
      if (left > 0) Workflow.continueAsNew(left - 1);
      return left;
    }
  }

  /** Goes on as new once and then waits. */
  @WorkflowInterface
  public interface Renew {
    @WorkflowMethod
    void run(boolean renewed);
  }

  public static class RenewImpl implements Renew {
    public void run(boolean renewed) {
      if (!renewed) Workflow.continueAsNew(true);
      Workflow.await(() -> false);
    }
  }

  @WorkflowInterface
  public interface FailRuns {
    @WorkflowMethod
    int run(int failures);
  }

  public static class FailRunsImpl implements FailRuns {
    public int run(int failures) {
      int attempt = Workflow.getInfo().getAttempt();
      if (attempt <= failures) throw ApplicationFailure.newFailure("run " + attempt, "Run");
      return attempt;
    }
  }

  @WorkflowInterface
  public interface Ticks {
    @WorkflowMethod
    int run();
  }

  public static class TicksImpl implements Ticks {
    public int run() {
      return Optional.ofNullable(Workflow.getLastCompletionResult(Integer.class)).orElse(0) + 1;
    }
  }

  @WorkflowInterface
  public interface SeePriority {
    @WorkflowMethod
    List<Object> run();
  }

  public static class SeePriorityImpl implements SeePriority {
    @SuppressWarnings("unchecked")
    public List<Object> run() {
      var options = aMinute().setPriority(Priority.newBuilder().setPriorityKey(1).build()).build();
      return Workflow.newUntypedActivityStub(options).execute("SeePriority", List.class);
    }
  }

  @WorkflowInterface
  public interface Collect {
    @WorkflowMethod
    List<Object> run(int wanted);

    @SignalMethod
    void go(Object value);

    @QueryMethod
    List<Object> seen();

    @QueryMethod
    String fail();
  }

  public static class CollectImpl implements Collect {
    private final List<Object> got = new ArrayList<>();

    public List<Object> run(int wanted) {
      Workflow.await(() -> got.size() >= wanted);
      return got;
    }

    public void go(Object value) {
      got.add(value);
    }

    public List<Object> seen() {
      return got;
    }

    public String fail() {
      throw new IllegalStateException("the query fails");
    }
  }

  @WorkflowInterface
  public interface Reach {
    @WorkflowMethod
    String run(String id, String how);
  }

  public static class ReachImpl implements Reach {
    public String run(String id, String how) {
      ExternalWorkflowStub other = Workflow.newUntypedExternalWorkflowStub(id);
      try {
        if (how.equals("signal")) other.signal("go", "from outside");
        else other.cancel();
        return "done";
      } catch (ApplicationFailure | CancelExternalWorkflowException err) {
        return "refused";
      }
    }
  }

  @WorkflowInterface
  public interface Upsert {
    @WorkflowMethod
    void run(long number);
  }

  public static class UpsertImpl implements Upsert {
    public void run(long number) {
      Workflow.upsertTypedSearchAttributes(INT.valueSet(number));
      Workflow.upsertMemo(Map.of("b", "upserted"));
    }
  }

  @WorkflowInterface
  public interface Versioned {
    @WorkflowMethod
    String run();
  }

  public static class VersionedImpl implements Versioned {
    public String run() {
      int version = Workflow.getVersion("a-change", Workflow.DEFAULT_VERSION, 2);
      String id = Workflow.sideEffect(String.class, () -> java.util.UUID.randomUUID().toString());
      int kept = Workflow.mutableSideEffect("kept", Integer.class, Integer::equals, () -> 5);
      Workflow.newUntypedActivityStub(aMinute().build()).execute("Echo", Object.class, id);
      return version + " " + kept;
    }
  }

  static final Class<?>[] ALL = {
    CallActivityImpl.class, CancelActivityImpl.class, FailImpl.class, BlockImpl.class, TimersImpl.class,
    ChildOfOursImpl.class, ParentImpl.class, LeaveChildImpl.class, CountDownImpl.class, RenewImpl.class,
    FailRunsImpl.class, TicksImpl.class, SeePriorityImpl.class, CollectImpl.class, ReachImpl.class,
    UpsertImpl.class, VersionedImpl.class
  };

  private Workflows() {}
}
