// What an application sees of the server through the published Go SDK, a test a row. TEMPORAL_ADDRESS is a server with
// the namespace `default` and the search attributes CompatKeyword and CompatInt. The same file passes against
// Temporal's own dev server.
package compat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"google.golang.org/protobuf/types/known/durationpb"
)

var (
	c         client.Client
	taskQueue = "compat-" + uuid.NewString()
	logger    = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	bg        = context.Background()
	fast      = &temporal.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1, MaximumAttempts: 3}
)

func TestMain(m *testing.M) {
	var err error
	c, err = client.Dial(client.Options{HostPort: cmp.Or(os.Getenv("TEMPORAL_ADDRESS"), "127.0.0.1:7233"), Logger: logger})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	w := worker.New(c, taskQueue, worker.Options{
		EnableSessionWorker:                     true,
		MaxHeartbeatThrottleInterval:            200 * time.Millisecond,
		DefaultHeartbeatThrottleInterval:        200 * time.Millisecond,
		MaxConcurrentEagerActivityExecutionSize: 10,
	})
	registerAll(w)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	code := m.Run()
	w.Stop()
	c.Close()
	os.Exit(code)
}

// check runs a test beside the others and prints the line that ../run.py counts.
func check(t *testing.T, name string, body func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		t.Cleanup(func() {
			if t.Failed() {
				fmt.Printf("not ok %s # see above\n", name)
			} else {
				fmt.Printf("ok %s\n", name)
			}
		})
		body(t)
	})
}

func start(t *testing.T, options client.StartWorkflowOptions, flow any, args ...any) client.WorkflowRun {
	t.Helper()
	options.TaskQueue = taskQueue
	run, err := c.ExecuteWorkflow(bg, options, flow, args...)
	must(t, err)
	return run
}

func result(t *testing.T, run client.WorkflowRun) any {
	t.Helper()
	var value any
	must(t, run.Get(within(t), &value))
	return value
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(bg, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(wanted)
	if !reflect.DeepEqual(g, w) {
		t.Fatalf("got %s, wanted %s", g, w)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not after 2 minutes: %s", what)
		}
	}
}

func status(t *testing.T, id string) enums.WorkflowExecutionStatus {
	reply, err := c.DescribeWorkflowExecution(bg, id, "")
	if err != nil {
		return enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED
	}
	return reply.WorkflowExecutionInfo.Status
}

func events(t *testing.T, run client.WorkflowRun) *history.History {
	t.Helper()
	all := &history.History{}
	iter := c.GetWorkflowHistory(bg, run.GetID(), run.GetRunID(), false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for iter.HasNext() {
		event, err := iter.Next()
		must(t, err)
		all.Events = append(all.Events, event)
	}
	return all
}

func TestCalls(t *testing.T) {
	const ms = time.Millisecond
	for name, row := range map[string]struct {
		call    Call
		outcome any
	}{
		"activities: a result comes back":                      {Call{Activity: "Echo", Arg: "x"}, "x"},
		"activities: retries until it succeeds":                {Call{Activity: "FailTimes", Arg: 2}, 3},
		"activities: maximum attempts end it":                  {Call{Activity: "FailTimes", Arg: 9, Attempts: 2}, "activity MaximumAttemptsReached < application Flaky"},
		"activities: a non-retryable failure ends it":          {Call{Activity: "FailForGood"}, "activity NonRetryableFailure < application Final"},
		"activities: start-to-close timeout":                   {Call{Activity: "Hang", Attempts: 1, StartToClose: 300 * ms}, "activity MaximumAttemptsReached < timeout StartToClose"},
		"activities: schedule-to-start timeout":                {Call{Activity: "Echo", Arg: "x", ScheduleToStart: 300 * ms, TaskQueue: "nobody"}, "activity Timeout < timeout ScheduleToStart"},
		"activities: schedule-to-close timeout":                {Call{Activity: "Hang", ScheduleToClose: 4000 * ms}, "activity Timeout < timeout ScheduleToClose"},
		"activities: heartbeat timeout":                        {Call{Activity: "Hang", Attempts: 1, Heartbeat: 300 * ms}, "activity MaximumAttemptsReached < timeout Heartbeat"},
		"activities: heartbeat details reach the next attempt": {Call{Activity: "HeartbeatAndFail", Heartbeat: 5 * time.Second}, "half way"},
		"local activities: a result comes back":                {Call{Activity: "Echo", Arg: "x", Local: true}, "x"},
		"local activities: retries until it succeeds":          {Call{Activity: "FailTimes", Arg: 2, Local: true}, 3},
	} {
		check(t, name, func(t *testing.T) {
			equal(t, result(t, start(t, client.StartWorkflowOptions{}, CallWorkflow, row.call)), row.outcome)
		})
	}
	check(t, "activities: cancelled", func(t *testing.T) {
		run := start(t, client.StartWorkflowOptions{}, CancelActivity)
		eventually(t, "the activity started", func() bool {
			reply, err := c.DescribeWorkflowExecution(bg, run.GetID(), "")
			must(t, err)
			pending := reply.PendingActivities
			return len(pending) == 1 && pending[0].State == enums.PENDING_ACTIVITY_STATE_STARTED
		})
		must(t, c.SignalWorkflow(bg, run.GetID(), "", "go", nil))
		equal(t, result(t, run), "tidied up")
	})
	check(t, "async completion: by token", func(t *testing.T) {
		run := start(t, client.StartWorkflowOptions{}, CallWorkflow, Call{Activity: "HandOver"})
		var token any
		eventually(t, "handed over", func() (ok bool) { token, ok = handedOver.Load(run.GetID()); return ok })
		must(t, c.RecordActivityHeartbeat(bg, token.([]byte), "alive"))
		must(t, c.CompleteActivity(bg, token.([]byte), "done outside", nil))
		equal(t, result(t, run), "done outside")
		var gone *serviceerror.NotFound
		if err := c.CompleteActivity(bg, token.([]byte), "twice", nil); err == nil {
			t.Fatalf("completed twice, wanted %T", gone)
		}
	})
	check(t, "sessions: activities share a worker", func(t *testing.T) {
		equal(t, result(t, start(t, client.StartWorkflowOptions{}, Session)), "same worker")
	})
}

func TestWorkflows(t *testing.T) {
	none := client.StartWorkflowOptions{}
	check(t, "cancellation: of a workflow, with and without cleaning up", func(t *testing.T) {
		for _, cleanup := range []bool{false, true} {
			run := start(t, none, Block, cleanup)
			must(t, c.CancelWorkflow(bg, run.GetID(), ""))
			if err := run.Get(within(t), nil); !temporal.IsCanceledError(err) {
				t.Fatalf("%v", err)
			}
		}
	})
	check(t, "timers: fire, are cancelled, run out", func(t *testing.T) {
		equal(t, result(t, start(t, none, Timers)), "true false")
		run := start(t, client.StartWorkflowOptions{WorkflowRunTimeout: 500 * time.Millisecond}, Block, false)
		if err := run.Get(within(t), nil); !temporal.IsTimeoutError(err) && !strings.Contains(err.Error(), "imeout") {
			t.Fatalf("%v", err)
		}
	})
	check(t, "child workflows: result, failure, cancellation", func(t *testing.T) {
		equal(t, result(t, start(t, none, Child, "hello")), "hello")
		equal(t, result(t, start(t, none, Child, "fail")), "child < application Run")
		equal(t, result(t, start(t, none, Child, "cancel")), "child < canceled")
	})
	check(t, "child workflows: parent close policies", func(t *testing.T) {
		for policy, wanted := range map[enums.ParentClosePolicy]enums.WorkflowExecutionStatus{
			enums.PARENT_CLOSE_POLICY_TERMINATE:      enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
			enums.PARENT_CLOSE_POLICY_ABANDON:        enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
			enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL: enums.WORKFLOW_EXECUTION_STATUS_CANCELED,
		} {
			id := uuid.NewString()
			result(t, start(t, none, LeaveChild, id, policy))
			eventually(t, policy.String(), func() bool { return status(t, id) == wanted })
			_ = c.TerminateWorkflow(bg, id, "", "")
		}
	})
	check(t, "continue-as-new: the result is that of the last run", func(t *testing.T) {
		run := start(t, none, CountDown, 3)
		firstRun := run.GetRunID() // Get goes on to the last one
		equal(t, result(t, run), 0)
		first, err := c.DescribeWorkflowExecution(bg, run.GetID(), firstRun)
		must(t, err)
		equal(t, first.WorkflowExecutionInfo.Status, enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW)
	})
	check(t, "cron and retry: a retry policy, a cron", func(t *testing.T) {
		equal(t, result(t, start(t, client.StartWorkflowOptions{RetryPolicy: fast}, FailRuns, int32(2))), 3)
		cron := start(t, client.StartWorkflowOptions{CronSchedule: "@every 1s"}, Ticks)
		query := fmt.Sprintf("WorkflowId = '%s' AND ExecutionStatus = 'Completed'", cron.GetID())
		eventually(t, "two ticks", func() bool {
			reply, err := c.CountWorkflow(bg, &workflowservice.CountWorkflowExecutionsRequest{Namespace: "default", Query: query})
			return err == nil && reply.Count >= 2
		})
		must(t, c.TerminateWorkflow(bg, cron.GetID(), "", ""))
	})
	check(t, "signals: in order, with start, from another workflow, cancels", func(t *testing.T) {
		options := client.StartWorkflowOptions{TaskQueue: taskQueue}
		id := uuid.NewString()
		run, err := c.SignalWithStartWorkflow(bg, id, "go", "0", options, Collect, 3)
		must(t, err)
		must(t, c.SignalWorkflow(bg, id, "", "go", "1"))
		equal(t, result(t, start(t, none, SignalOther, id)), "signalled")
		equal(t, result(t, run), []string{"0", "1", "from outside"})
		equal(t, result(t, start(t, none, SignalOther, uuid.NewString())), "refused")
		blocked := start(t, none, Block, false)
		equal(t, result(t, start(t, none, CancelOther, blocked.GetID())), "cancelled")
		if err := blocked.Get(within(t), nil); !temporal.IsCanceledError(err) {
			t.Fatalf("%v", err)
		}
		equal(t, result(t, start(t, none, CancelOther, uuid.NewString())), "refused")
	})
	check(t, "queries: live and after the close", func(t *testing.T) {
		run := start(t, none, Collect, 1)
		seen := func() (values []string) {
			answer, err := c.QueryWorkflow(bg, run.GetID(), "", "seen")
			must(t, err)
			must(t, answer.Get(&values))
			return values
		}
		equal(t, seen(), []string{})
		must(t, c.SignalWorkflow(bg, run.GetID(), "", "go", "a"))
		result(t, run)
		equal(t, seen(), []string{"a"})
		if _, err := c.QueryWorkflow(bg, run.GetID(), "", "unheard of"); err == nil {
			t.Fatal("an unknown query was answered")
		}
	})
}

func TestService(t *testing.T) {
	none := client.StartWorkflowOptions{}
	check(t, "memo and search attributes: at start, upserted, listed, counted", func(t *testing.T) {
		value := uuid.NewString()
		run := start(t, client.StartWorkflowOptions{
			Memo:                  map[string]any{"a": 1},
			TypedSearchAttributes: temporal.NewSearchAttributes(mark.ValueSet(value)),
		}, Upsert, int64(5))
		must(t, run.Get(within(t), nil))
		query := fmt.Sprintf("CompatKeyword = '%s' AND CompatInt = 5 AND ExecutionStatus = 'Completed'", value)
		eventually(t, "listed", func() bool {
			reply, err := c.ListWorkflow(bg, &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", Query: query})
			return err == nil && len(reply.Executions) == 1 && len(reply.Executions[0].Memo.GetFields()) == 2
		})
	})
	check(t, "start options: ids, eager start, start delay", func(t *testing.T) {
		id := uuid.NewString()
		options := client.StartWorkflowOptions{
			ID: id, TaskQueue: taskQueue, WorkflowExecutionErrorWhenAlreadyStarted: true,
		}
		_, err := c.ExecuteWorkflow(bg, options, Block, false)
		must(t, err)
		if _, err = c.ExecuteWorkflow(bg, options, Block, false); err == nil {
			t.Fatal("an open id was given twice")
		}
		must(t, c.TerminateWorkflow(bg, id, "", "done"))
		equal(t, result(t, start(t, client.StartWorkflowOptions{EnableEagerStart: true}, Ticks)), 1)
		began := time.Now()
		equal(t, result(t, start(t, client.StartWorkflowOptions{StartDelay: time.Second}, Ticks)), 1)
		if took := time.Since(began); took < 950*time.Millisecond {
			t.Fatalf("started after %v", took)
		}
	})
	check(t, "versioning: versions and side effects are markers", func(t *testing.T) {
		run := start(t, none, Versioned)
		equal(t, result(t, run), 16)
		markers := 0
		for _, event := range events(t, run).Events {
			if event.EventType == enums.EVENT_TYPE_MARKER_RECORDED {
				markers++
			}
		}
		equal(t, markers, 3)
	})
	check(t, "replay: fetched histories replay, other code is found out", func(t *testing.T) {
		replayer := worker.NewWorkflowReplayer()
		for _, each := range allWorkflows {
			replayer.RegisterWorkflow(each)
		}
		for _, run := range []client.WorkflowRun{
			start(t, none, Versioned),
			start(t, none, Session),
			start(t, none, Timers),
			start(t, none, Child, "cancel"),
			start(t, none, CallWorkflow, Call{Activity: "FailTimes", Arg: 2, Local: true}),
		} {
			result(t, run)
			must(t, replayer.ReplayWorkflowHistory(logger, events(t, run)))
		}
		run := start(t, none, Timers)
		result(t, run)
		other := events(t, run)
		other.Events[0].GetWorkflowExecutionStartedEventAttributes().WorkflowType.Name = "CancelActivity"
		if err := replayer.ReplayWorkflowHistory(logger, other); err == nil {
			t.Fatal("a history replayed on other code")
		}
	})
	check(t, "namespaces: register, describe, list", func(t *testing.T) {
		name := "compat-" + uuid.NewString()[:8]
		options := client.Options{HostPort: cmp.Or(os.Getenv("TEMPORAL_ADDRESS"), "127.0.0.1:7233"), Logger: logger}
		namespaces, err := client.NewNamespaceClient(options)
		must(t, err)
		defer namespaces.Close()
		request := &workflowservice.RegisterNamespaceRequest{
			Namespace: name, WorkflowExecutionRetentionPeriod: durationpb.New(72 * time.Hour),
		}
		must(t, namespaces.Register(bg, request))
		if err := namespaces.Register(bg, request); err == nil {
			t.Fatal("registered twice")
		}
		eventually(t, "described", func() bool { _, err := namespaces.Describe(bg, name); return err == nil })
	})
}
