package desk

import (
	"context"
	"fmt"
	"slices"
)

// Close ends the desk in order. The desk accepts no more orders. Analyses that wait, or run without a reader, end at
// once. Analyses with a reader may run until ctx ends; then their contexts end with [ErrClosed]. All readers receive
// the last events. Close returns when all readers have them, at the latest [Config.Grace] after the end of the last
// analysis, and the desk forgets everything. So Close may take twice the grace longer than ctx. A second call does the
// same in parallel. The error counts what was left: analyses that do not return, readers that do not read.
func (d *Desk) Close(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	var idle []*Analysis
	for _, a := range d.known {
		if a.state == Waiting || a.state == Running && a.readers == 0 {
			idle = append(idle, a)
		}
	}
	d.mu.Unlock()
	for _, a := range idle {
		a.End(ErrClosed)
	}
	if !d.until(ctx, func() bool { return d.liveLocked() == nil }) {
		d.mu.Lock()
		live := d.liveLocked()
		d.mu.Unlock()
		for _, a := range live {
			a.End(ErrClosed)
		}
	}
	// For readers, work that ignores its context ends after the grace. The margin gives those readers time.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Grace+d.cfg.Grace/2)
	defer cancel()
	d.until(grace, func() bool { return d.liveLocked() == nil })
	late, stop := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Grace/2)
	defer stop()
	d.until(late, func() bool { return d.readers == 0 && d.running == 0 })

	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.known {
		a.stopLocked()
		d.forgetLocked(a)
	}
	if d.running > 0 || d.readers > 0 {
		return fmt.Errorf("desk: close: %d analyses and %d readers were left behind", d.running, d.readers)
	}
	return nil
}

// liveLocked returns the analyses that have not ended.
func (d *Desk) liveLocked() (live []*Analysis) {
	for _, a := range d.known {
		if a.state != Ended {
			live = append(live, a)
		}
	}
	return slices.Clip(live)
}

// until waits for a condition that the lock guards, and reports whether it became true before the end of ctx.
func (d *Desk) until(ctx context.Context, come func() bool) bool {
	for {
		d.mu.Lock()
		ok, changed := come(), d.changed
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
