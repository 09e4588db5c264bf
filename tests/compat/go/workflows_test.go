package compat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Workflows and activities for compat_test.go: small, one thing each.

// explain names an error and its causes, for plain comparisons: "activity < timeout Heartbeat".
func explain(err error) string {
	var parts []string
	for ; err != nil; err = errors.Unwrap(err) {
		switch e := err.(type) {
		case *temporal.ActivityError:
			parts = append(parts, "activity "+e.RetryState().String())
		case *temporal.ChildWorkflowExecutionError:
			parts = append(parts, "child")
		case *temporal.TimeoutError:
			parts = append(parts, "timeout "+e.TimeoutType().String())
		case *temporal.ApplicationError:
			parts = append(parts, "application "+e.Type())
		case *temporal.CanceledError:
			parts = append(parts, "canceled")
		default:
			parts = append(parts, fmt.Sprintf("%T", err))
		}
	}
	return strings.Join(parts, " < ")
}

func Echo(_ context.Context, value string) (string, error) { return value, nil }

// FailTimes takes what JSON makes of a number, since a local activity gets its argument as it is.
func FailTimes(ctx context.Context, failures float64) (int32, error) {
	attempt := activity.GetInfo(ctx).Attempt
	if float64(attempt) > failures {
		return attempt, nil
	}
	return 0, temporal.NewApplicationError(fmt.Sprintf("attempt %d", attempt), "Flaky")
}

func FailForGood(context.Context) error {
	return temporal.NewNonRetryableApplicationError("never again", "Final", nil)
}

func Hang(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
	}
	return nil
}

func WaitForCancel(ctx context.Context) (string, error) {
	for {
		select {
		case <-ctx.Done():
			return "tidied up", nil
		case <-time.After(100 * time.Millisecond):
			activity.RecordHeartbeat(ctx)
		}
	}
}

func HeartbeatAndFail(ctx context.Context) (string, error) {
	var details string
	if activity.HasHeartbeatDetails(ctx) {
		return details, activity.GetHeartbeatDetails(ctx, &details)
	}
	activity.RecordHeartbeat(ctx, "half way")
	return "", errors.New("half way")
}

var handedOver sync.Map // workflow id: task token

func HandOver(ctx context.Context) (string, error) {
	info := activity.GetInfo(ctx)
	handedOver.Store(info.WorkflowExecution.ID, info.TaskToken)
	return "", activity.ErrResultPending
}

func Where(ctx context.Context) (string, error) { return activity.GetInfo(ctx).TaskQueue, nil }

type Call struct {
	Activity        string
	Arg             any
	Attempts        int32
	StartToClose    time.Duration
	ScheduleToStart time.Duration
	ScheduleToClose time.Duration
	Heartbeat       time.Duration
	TaskQueue       string
	Local           bool
}

func CallWorkflow(ctx workflow.Context, call Call) (any, error) {
	retry := &temporal.RetryPolicy{
		InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1, MaximumAttempts: call.Attempts,
	}
	if call.StartToClose == 0 {
		call.StartToClose = time.Minute
	}
	var args []any
	if call.Arg != nil {
		args = append(args, call.Arg)
	}
	var result any
	var future workflow.Future
	if call.Local {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			StartToCloseTimeout: call.StartToClose, RetryPolicy: retry,
		})
		future = workflow.ExecuteLocalActivity(ctx, call.Activity, args...)
	} else {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout:    call.StartToClose,
			ScheduleToStartTimeout: call.ScheduleToStart,
			ScheduleToCloseTimeout: call.ScheduleToClose,
			HeartbeatTimeout:       call.Heartbeat,
			TaskQueue:              call.TaskQueue,
			RetryPolicy:            retry,
		})
		future = workflow.ExecuteActivity(ctx, call.Activity, args...)
	}
	if err := future.Get(ctx, &result); err != nil {
		return explain(err), nil
	}
	return result, nil
}

func CancelActivity(ctx workflow.Context) (string, error) {
	inner, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second, HeartbeatTimeout: 5 * time.Second, WaitForCancellation: true,
	}))
	future := workflow.ExecuteActivity(inner, WaitForCancel)
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	cancel()
	var result string
	err := future.Get(ctx, &result)
	return result, err
}

func Block(ctx workflow.Context, cleanup bool) (string, error) {
	err := workflow.Await(ctx, func() bool { return false })
	if cleanup {
		after, _ := workflow.NewDisconnectedContext(ctx)
		after = workflow.WithActivityOptions(after, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
		if err := workflow.ExecuteActivity(after, Echo, "x").Get(after, nil); err != nil {
			return "", err
		}
	}
	return "", err
}

func Timers(ctx workflow.Context) (string, error) {
	inner, cancel := workflow.WithCancel(ctx)
	hour := workflow.NewTimer(inner, time.Hour)
	if err := workflow.Sleep(ctx, 50*time.Millisecond); err != nil {
		return "", err
	}
	cancel()
	ok, err := workflow.AwaitWithTimeout(ctx, 50*time.Millisecond, func() bool { return false })
	return fmt.Sprintf("%v %v", hour.Get(ctx, nil) != nil, ok), err
}

func Child(ctx workflow.Context, how string) (string, error) {
	ctx, cancel := workflow.WithCancel(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WaitForCancellation: true,
	}))
	var future workflow.ChildWorkflowFuture
	switch how {
	case "fail":
		future = workflow.ExecuteChildWorkflow(ctx, FailRuns, int32(9))
	case "cancel":
		future = workflow.ExecuteChildWorkflow(ctx, Block, false)
		if err := future.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return "", err
		}
		cancel()
	default:
		future = workflow.ExecuteChildWorkflow(ctx, CallWorkflow, Call{Activity: "Echo", Arg: how})
	}
	var result string
	if err := future.Get(ctx, &result); err != nil {
		return explain(err), nil
	}
	return result, nil
}

func LeaveChild(ctx workflow.Context, id string, policy enums.ParentClosePolicy) error {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id, ParentClosePolicy: policy})
	return workflow.ExecuteChildWorkflow(ctx, Block, false).GetChildWorkflowExecution().Get(ctx, nil)
}

func CountDown(ctx workflow.Context, left int) (int, error) {
	if left == 0 {
		return 0, nil
	}
	return 0, workflow.NewContinueAsNewError(ctx, CountDown, left-1)
}

func FailRuns(ctx workflow.Context, failures int32) (int32, error) {
	attempt := workflow.GetInfo(ctx).Attempt
	if attempt <= failures {
		return 0, temporal.NewApplicationError(fmt.Sprintf("run %d", attempt), "Run")
	}
	return attempt, nil
}

func Ticks(ctx workflow.Context) (int, error) {
	last := 0
	if workflow.HasLastCompletionResult(ctx) {
		if err := workflow.GetLastCompletionResult(ctx, &last); err != nil {
			return 0, err
		}
	}
	return last + 1, nil
}

func Collect(ctx workflow.Context, wanted int) ([]string, error) {
	got := []string{}
	err := workflow.SetQueryHandler(ctx, "seen", func() ([]string, error) { return got, nil })
	for err == nil && len(got) < wanted {
		var value string
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, &value)
		got = append(got, value)
	}
	return got, err
}

func SignalOther(ctx workflow.Context, id string) (string, error) {
	if err := workflow.SignalExternalWorkflow(ctx, id, "", "go", "from outside").Get(ctx, nil); err != nil {
		return "refused", nil
	}
	return "signalled", nil
}

func CancelOther(ctx workflow.Context, id string) (string, error) {
	if err := workflow.RequestCancelExternalWorkflow(ctx, id, "").Get(ctx, nil); err != nil {
		return "refused", nil
	}
	return "cancelled", nil
}

// Session runs two activities in one session: both must see the same, private task queue.
func Session(ctx workflow.Context) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	session, err := workflow.CreateSession(ctx, &workflow.SessionOptions{
		CreationTimeout: time.Minute, ExecutionTimeout: time.Minute,
	})
	if err != nil {
		return "", err
	}
	defer workflow.CompleteSession(session)
	var one, two string
	if err := workflow.ExecuteActivity(session, Where).Get(session, &one); err != nil {
		return "", err
	}
	if err := workflow.ExecuteActivity(session, Where).Get(session, &two); err != nil {
		return "", err
	}
	if one != two || one == workflow.GetInfo(ctx).TaskQueueName {
		return "", fmt.Errorf("activities of one session ran on %q and %q", one, two)
	}
	return "same worker", nil
}

var mark = temporal.NewSearchAttributeKeyKeyword("CompatKeyword")
var number = temporal.NewSearchAttributeKeyInt64("CompatInt")

func Upsert(ctx workflow.Context, value int64) error {
	if err := workflow.UpsertMemo(ctx, map[string]any{"b": "upserted"}); err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(ctx, number.ValueSet(value))
}

func Versioned(ctx workflow.Context) (int, error) {
	version := workflow.GetVersion(ctx, "a-change", workflow.DefaultVersion, 2)
	var side, mutable int
	get := func(workflow.Context) any { return 7 }
	if err := workflow.SideEffect(ctx, get).Get(&side); err != nil {
		return 0, err
	}
	same := func(a, b any) bool { return a == b }
	if err := workflow.MutableSideEffect(ctx, "id", get, same).Get(&mutable); err != nil {
		return 0, err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	err := workflow.ExecuteActivity(ctx, Echo, "x").Get(ctx, nil)
	return int(version) + side + mutable, err
}

var allWorkflows = []any{
	CallWorkflow, CancelActivity, Block, Timers, Child, LeaveChild, CountDown, FailRuns, Ticks, Collect,
	SignalOther, CancelOther, Session, Upsert, Versioned,
}

func registerAll(w worker.Registry) {
	for _, each := range allWorkflows {
		w.RegisterWorkflow(each)
	}
	for _, each := range []any{
		Echo, FailTimes, FailForGood, Hang, WaitForCancel, HeartbeatAndFail, HandOver, Where,
	} {
		w.RegisterActivity(each)
	}
}
