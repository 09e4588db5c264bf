// A file-processing workflow: download, process and upload must happen on one machine, since they share
// its disk. A session pins them to one worker; if that worker dies, the whole sequence is tried elsewhere.
//
//	go run . worker          runs workflows and activities
//	go run . process NAME    processes a file and waits for the result
//	go run . progress NAME   asks how far it is
//
// TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where the server is.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

const taskQueue = "files"

// ProcessFile returns how many words the file holds.
func ProcessFile(ctx workflow.Context, name string) (int, error) {
	progress := "waiting for a worker"
	err := workflow.SetQueryHandler(ctx, "progress", func() (string, error) { return progress, nil })
	if err != nil {
		return 0, err
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		HeartbeatTimeout:    5 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond},
	})
	for attempt := 1; ; attempt++ {
		words, err := processInSession(ctx, name, &progress)
		if !errors.Is(err, workflow.ErrSessionFailed) || attempt == 5 {
			return words, err
		}
	}
}

func processInSession(ctx workflow.Context, name string, progress *string) (int, error) {
	session, err := workflow.CreateSession(ctx, &workflow.SessionOptions{
		CreationTimeout:  time.Minute,
		ExecutionTimeout: time.Minute,
	})
	if err != nil {
		return 0, err
	}
	defer workflow.CompleteSession(session)

	var file string
	*progress = "downloading"
	if err := workflow.ExecuteActivity(session, Download, name).Get(session, &file); err != nil {
		return 0, err
	}
	var words int
	*progress = "processing " + filepath.Base(file)
	if err := workflow.ExecuteActivity(session, CountWords, file).Get(session, &words); err != nil {
		return 0, err
	}
	*progress = fmt.Sprintf("counted %d words", words)
	return words, workflow.ExecuteActivity(session, Remove, file).Get(session, nil)
}

// Download writes the file to the worker's own disk; its first attempt fails, as networks do.
func Download(ctx context.Context, name string) (string, error) {
	if activity.GetInfo(ctx).Attempt == 1 {
		return "", errors.New("connection reset by peer")
	}
	file := filepath.Join(os.TempDir(), activity.GetInfo(ctx).WorkflowExecution.RunID+".txt")
	return file, os.WriteFile(file, []byte("the quick brown fox reads "+name), 0o600)
}

// CountWords heartbeats as it goes.
func CountWords(ctx context.Context, file string) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	words := strings.Fields(string(text))
	for i := range words {
		activity.RecordHeartbeat(ctx, i)
	}
	return len(words), nil
}

// Remove may run twice.
func Remove(_ context.Context, file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func main() {
	if len(os.Args) < 2 || (os.Args[1] != "worker" && len(os.Args) < 3) {
		log.Fatal("usage: worker | process NAME | progress NAME")
	}
	c, err := client.Dial(client.Options{
		HostPort:  cmp.Or(os.Getenv("TEMPORAL_ADDRESS"), "127.0.0.1:7233"),
		Namespace: os.Getenv("TEMPORAL_NAMESPACE"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	switch os.Args[1] {
	case "worker":
		w := worker.New(c, taskQueue, worker.Options{EnableSessionWorker: true})
		w.RegisterWorkflow(ProcessFile)
		w.RegisterActivity(Download)
		w.RegisterActivity(CountWords)
		w.RegisterActivity(Remove)
		err = w.Run(worker.InterruptCh())
	case "process":
		err = process(c, os.Args[2])
	case "progress":
		err = progress(c, os.Args[2])
	default:
		err = fmt.Errorf("unknown verb %q", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func process(c client.Client, name string) error {
	options := client.StartWorkflowOptions{ID: "file-" + name, TaskQueue: taskQueue}
	run, err := c.ExecuteWorkflow(context.Background(), options, ProcessFile, name)
	if err != nil {
		return err
	}
	var words int
	if err := run.Get(context.Background(), &words); err != nil {
		return err
	}
	fmt.Printf("%s holds %d words\n", name, words)
	return nil
}

func progress(c client.Client, name string) error {
	answer, err := c.QueryWorkflow(context.Background(), "file-"+name, "", "progress")
	if err != nil {
		return err
	}
	var text string
	if err := answer.Get(&text); err != nil {
		return err
	}
	fmt.Println(text)
	return nil
}
