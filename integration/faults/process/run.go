package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// Execute of a [Limiter] returns these errors for a task that it did not run. If the deadline was the reason, it returns
// context.DeadlineExceeded.
var (
	ErrHandedBack = errors.New("handed back by a drain")
	ErrRefused    = errors.New("refused: the replica is ending")
)

// Limiter limits the tasks of a replica. It is safe for concurrent use.
type Limiter interface {
	// Execute waits for a token and then runs the task, in any goroutine. It returns the error of the task when the task has returned. It
	// returns an error without running the task if the task cannot start.
	Execute(ctx context.Context, task func(context.Context) error) error
	// SetRate sets the tokens in each period, for the fleet or for this replica.
	SetRate(ctx context.Context, tokens int64) error
	// Hold reports that the provider asks to wait for d.
	Hold(ctx context.Context, d time.Duration) error
	// Measure sets the fields of the report that only the limiter knows.
	Measure(r *outcome.Report)
	// Drain returns when no further task can start and all running tasks have returned. It returns an error if ctx ends first.
	Drain(ctx context.Context) error
	// Close ends the limiter. It is called after Drain.
	Close(ctx context.Context) error
}

// disputer is a limiter that knows for how many buckets replicas want different limits.
type disputer interface {
	Disputed(ctx context.Context) (buckets int, err error)
}

// Run runs a replica until ctx ends or the standard input is closed, and then drains it. Callers end ctx at SIGTERM. It returns the
// error of a word, of the drain or of the limiter's Close.
func Run(ctx context.Context, s Settings, l Limiter) error {
	always := context.WithoutCancel(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := newRunner(s, l)
	lines := json.NewEncoder(os.Stdout)
	say := func(event string) error {
		r := c.report()
		r.Event, r.Replica = event, s.Name
		return lines.Encode(r)
	}
	c.begin(ctx)
	if err := say("ready"); err != nil {
		return err
	}
	words := read(os.Stdin)
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case word, open := <-words:
			if !open { // the harness has ended
				stop()
				continue
			}
			event, err := c.handle(ctx, word)
			if err != nil {
				return err
			}
			if err := say(event); err != nil {
				return err
			}
		}
	}

	limit, cancel := context.WithTimeout(always, s.Drain)
	defer cancel()
	drained := l.Drain(limit)
	if err := say("stopped"); err != nil {
		return err
	}
	c.rest()
	if err := l.Close(limit); err != nil {
		return err
	}
	if err := say("ended"); err != nil {
		return err
	}
	return drained
}

// handle handles a word, and returns the event of the report that answers it.
func (c *runner) handle(ctx context.Context, word string) (event string, err error) {
	word, argument, _ := strings.Cut(word, " ")
	switch word {
	case "rest":
		c.rest()
		return "resting", nil
	case "go":
		c.begin(ctx)
	case "rate":
		tokens, err := strconv.ParseInt(argument, 10, 64)
		if err != nil {
			return "", fmt.Errorf("rate: %w", err)
		}
		return "report", c.limiter.SetRate(ctx, tokens)
	case "waits":
		c.forgetWaits()
	case "disputed":
		return "report", c.look(ctx)
	case "hold":
		d, err := time.ParseDuration(argument)
		if err != nil {
			return "", fmt.Errorf("hold: %w", err)
		}
		return "report", c.limiter.Hold(ctx, d)
	}
	return "report", nil
}

// read sends each line of the input on the channel, and closes the channel at the end of the input.
func read(in *os.File) <-chan string {
	words := make(chan string)
	go func() {
		defer close(words)
		for lines := bufio.NewScanner(in); lines.Scan(); {
			words <- strings.TrimSpace(lines.Text())
		}
	}()
	return words
}
