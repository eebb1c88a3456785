package worker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// ErrEnding is the error of an analysis that has not ended when its replica has to end.
var ErrEnding = errors.New("the replica is ending: send the playlist again")

// How long the last steps of a replica's end may take. The first is longer than the wait for the tasks of an analysis
// that ends.
const (
	lastWords = 13 * time.Second // for the last events of streams: more than twice the grace of the desk
	lastTasks = time.Second      // for tasks, which have ended with their analyses
	lastCall  = 2 * time.Second  // to Redis
)

// AfterDrain is how long a replica takes at most to end after [Config.Drain]. So [Worker.Serve] returns at the latest
// [Config.Grace] + [Config.Drain] + AfterDrain after its context has ended. Tasks count twice: first the replica waits
// for their end, then it abandons them.
const AfterDrain = lastWords + 2*lastTasks + lastCall

// finish ends the replica in order, each step with a log line. Each step has a time of its own.
func (w *Worker) finish(ctx context.Context, grace time.Duration, server *http.Server, connected <-chan struct{}) error {
	log := w.cfg.Logger
	w.unready.Store(true)
	log.InfoContext(ctx, "ending: not ready any more, still taking analyses", "grace", grace.String())
	time.Sleep(grace)

	w.draining.Store(true)
	w.gate.Stop()
	log.InfoContext(ctx, "ending: taking no more analyses, running ones may end", "drain", w.cfg.Drain.String())
	closed := make(chan error, 1)
	words, stop := context.WithTimeout(ctx, w.cfg.Drain+lastWords)
	defer stop()
	go func() { closed <- server.Shutdown(words) }() // its listener closes at once
	if have := w.parts.Load(); have != nil {
		running, stop := context.WithTimeout(ctx, w.cfg.Drain)
		said := context.AfterFunc(running, func() {
			log.WarnContext(ctx, "ending: the drain is over; remaining analyses are cancelled, and their streams get the reason")
		})
		if err := have.desk.Close(running); err != nil {
			log.WarnContext(ctx, "ending: some analyses ignore their end and are abandoned", "error", err)
		}
		said()
		stop()
	}
	<-connected // this goroutine ends with the context of Serve
	late := <-closed
	if late != nil {
		log.WarnContext(ctx, "ending: remaining connections are cut; their clients take no bytes, or their analyses do not end")
	} else {
		log.InfoContext(ctx, "ending: all streams have ended")
	}
	err := errors.Join(w.finishParts(ctx), server.Close())
	log.InfoContext(ctx, "ending: presence withdrawn")
	if err != nil {
		return fmt.Errorf("worker: end: %w", err)
	}
	return nil
}

// finishParts ends the remaining tasks, and returns reservations.
func (w *Worker) finishParts(ctx context.Context) error {
	have := w.parts.Load()
	if have == nil {
		return nil
	}
	tasks, stop := context.WithTimeout(ctx, lastTasks)
	report, err := have.orchestrator.Drain(tasks, orchestrator.Drain{HandBack: true, Grace: lastTasks})
	stop()
	s := have.orchestrator.Snapshot()
	w.cfg.Logger.InfoContext(ctx, "ending: tasks have ended", "report", report.String(), "done", s.Done, "pending", s.Pending, "in_flight", s.InFlight)
	last, stop := context.WithTimeout(ctx, lastCall)
	defer stop()
	if closed := have.limiter.Close(last); closed != nil {
		return errors.Join(err, closed)
	}
	w.cfg.Logger.InfoContext(ctx, "ending: reservations returned")
	return err
}
