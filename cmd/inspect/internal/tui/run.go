package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Config configures the view.
type Config struct {
	Namespace, Addr string // shown in the header until Redis has answered

	// Read reads a report. Why reads why a call of a bucket waits. Both return when their context ends, and set a deadline of their own.
	Read func(context.Context) (*report.Report, error)
	Why  func(ctx context.Context, bucket string) (*report.Why, error)
	// Events reads the last n changes that operators have made, newest first; nil for none. An error of Events hides them, without a message.
	Events func(ctx context.Context, n int64) ([]report.Event, error)

	// Act changes the fleet, after the operator has typed the name; nil if the view only shows the fleet.
	Act func(context.Context, Deed) error

	Interval time.Duration // between two readings; 0 for 2 s
	Stale    time.Duration // age from which data is marked as stale; 0 for 10 s
	Filter   report.Filter // of buckets, routes and batches; the operator may change it

	In  io.Reader // the terminal's keys; nil for stdin
	Out io.Writer // the terminal; nil for stdout
}

// Run shows the view until the operator ends it or ctx ends, and restores the terminal. It returns [context.Canceled] if ctx ended or the operator
// pressed ctrl-c.
func Run(ctx context.Context, c Config) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the reading in progress
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithoutSignalHandler()}
	if c.In != nil {
		options = append(options, tea.WithInput(c.In))
	}
	if c.Out != nil {
		options = append(options, tea.WithOutput(c.Out))
	}
	m := newModel(c, func(bucket string) fetched { return c.fetch(ctx, bucket) })
	m.act = c.acting(ctx)
	m.write = m.act != nil
	_, err := tea.NewProgram(m, options...).Run()
	switch {
	case ctx.Err() != nil || err == nil && m.interrupted:
		return context.Canceled
	case errors.Is(err, tea.ErrProgramPanic):
		return errors.New("the live view has failed; -o table --watch 2s shows the same as tables")
	}
	return err
}

func newModel(c Config, read func(bucket string) fetched) *model {
	m := &model{read: read}
	m.live.namespace, m.live.addr = report.Clean(c.Namespace), report.Clean(c.Addr)
	m.interval, m.stale, m.now = c.Interval, c.Stale, time.Now()
	if m.interval <= 0 {
		m.interval = 2 * time.Second
	}
	if m.stale <= 0 {
		m.stale = 10 * time.Second
	}
	m.filters[bucketScreen] = c.Filter
	return m
}

// fetch reads the report, the reasons of bucket unless it is "", and the events.
func (c *Config) fetch(ctx context.Context, bucket string) fetched {
	f := fetched{begun: time.Now(), bucket: bucket}
	f.report, f.err = c.Read(ctx)
	if f.err == nil && bucket != "" {
		f.why, f.whyErr = c.Why(ctx, bucket)
	}
	if f.err == nil && c.Events != nil {
		f.events, _ = c.Events(ctx, readEvents) // a user without permission for events still gets the report
	}
	f.ended = time.Now()
	return f
}
