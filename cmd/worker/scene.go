package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// sceneFlags select what a demonstration shows.
type sceneFlags struct {
	Scene   string  `default:"budget" enum:"budget,throttled,tokens" help:"What the demo shows: budget, a fleet under one budget; throttled, a provider whose limit falls and comes back; tokens, a provider that counts tokens (${default})."`
	Seconds float64 `range:"2 to 600" placeholder:"N" help:"How long the scenes throttled and tokens take, 2 to 600 (30). The marks are set for 30 seconds."`
}

const (
	sceneSeconds                  = 30
	leastSeconds, mostSeconds     = 2, 600
	leastSceneRate, mostSceneRate = 8, 1000 // at 8 the limit falls to 3 a second
)

// Validate returns an error if --seconds does not fit the scene.
func (f sceneFlags) Validate() error {
	switch {
	case f.Scene == sceneBudget && f.Seconds != 0:
		return errors.New("seconds: want it with the scene throttled or tokens; the scene budget ends when its calls have ended")
	case f.Seconds != 0 && !(f.Seconds >= leastSeconds && f.Seconds <= mostSeconds):
		return fmt.Errorf("seconds %v: want %d to %d", f.Seconds, leastSeconds, mostSeconds)
	}
	return nil
}

// The names of the scenes.
const (
	sceneBudget    = "budget"
	sceneThrottled = "throttled"
	sceneTokens    = "tokens"
)

// takes returns how long the scene takes.
func (f sceneFlags) takes() time.Duration {
	return time.Duration(cmp.Or(f.Seconds, sceneSeconds) * float64(time.Second))
}

// outcome is the result of a scene.
type outcome interface {
	page(sc screen) string // a text for people; its last line is the verdict
	verdict() error        // nil if the marks were met
}

// scene is one of the scenes throttled and tokens.
type scene interface {
	play(ctx context.Context, redis *server, say narrator) (outcome, error)
	made() (calls, refused int) // so far
}

// play runs a scene and prints its outcome, as one JSON object or as a page.
func (c *demoCmd) play(ctx context.Context, s cli.Streams, played scene) error {
	redis, err := openRedis(c.RedisFlags)
	if err != nil {
		return err
	}
	defer redis.close()
	began := time.Now()
	o, err := played.play(ctx, redis, newNarrator(s.Err, c.JSON))
	if err != nil {
		if calls, refused := played.made(); ctx.Err() != nil && !c.JSON {
			_, _ = fmt.Fprintf(s.Out, "\nInterrupted after %.1f s: %s, the provider refused %d.\n", time.Since(began).Seconds(), counted(calls, "call", "calls"), refused)
		}
		return redis.explain(err)
	}
	if c.JSON {
		err = json.NewEncoder(s.Out).Encode(o)
	} else {
		_, err = lipgloss.Fprint(s.Out, o.page(screenOf(s.Out)))
	}
	return errors.Join(err, o.verdict())
}

// narrator writes a line about a running scene, like [fmt.Printf]. With --json it writes nothing.
type narrator func(format string, args ...any)

func newNarrator(out io.Writer, silent bool) narrator {
	return func(format string, args ...any) {
		if !silent {
			_, _ = fmt.Fprintf(out, format+"\n", args...)
		}
	}
}

// introduce writes what the scene does, and the command that inspects it.
func (c *demoCmd) introduce(say narrator, redis *server, namespace, what string) {
	where, inspect := redis.where(namespace)
	say("%s", strings.TrimSuffix(intro(fmt.Sprintf("%s Redis: %s. Look at it while it runs:", what, where), commandLines(inspect)), "\n"))
}

// measured returns an error of one line for the missed marks, nil if there are none.
func measured(missed []string) error {
	if len(missed) == 0 {
		return nil
	}
	return errors.New(strings.Join(missed, "; "))
}

// sharing returns the begin of a sentence about replicas and their budget.
func sharing(replicas int) string {
	return counted(replicas, "replica has a budget", "replicas share one budget")
}

// counted returns a number and its noun: one for 1, many for other numbers.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// marksSentence ends the verdict of a scene.
func marksSentence(missed error) string {
	if missed != nil {
		return "A mark was missed."
	}
	return "Every mark was met."
}
