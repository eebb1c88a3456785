package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// World is what a row plays in.
type World struct {
	Config
	Short    bool // the row is played in its short form
	Redis    *Server
	Proxy    *Proxy // nil where the row has none
	Provider *Provider
	Fleet    []*Replica

	program   Program
	binary    string
	former    former // the other version, where the row plays two
	dir       string
	proxies   []*Proxy  // of one replica each
	servers   []*Server // all of them
	nodes     []*Server // of a topology: the servers that keep data
	sentinels []*Server
	clock     *clock        // of Redis, where it can be moved
	begun     time.Duration // when calls arrived at the rate
	fault     time.Duration // the first
	from, to  time.Duration // of which used is measured
	until     time.Duration // to which silence is measured
	extra     []Extra
	givenUp   int // waits for calls
}

// few is the first number in the short form of a row, and the second in the long one.
func few[V any](w *World, short, long V) V {
	if w.Short {
		return short
	}
	return long
}

// startWorld starts all parts of a world, and returns when the burst is spent.
func startWorld(ctx context.Context, h *Harness, c Config, short bool) (*World, error) {
	w := &World{Config: c.filled(), Short: short, program: h.program, binary: h.binary, dir: h.dir}
	if err := w.start(ctx, h); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *World) start(ctx context.Context, h *Harness) (err error) {
	if w.Wall != 0 {
		if w.binary, err = h.withSteps(ctx); err != nil {
			return err
		}
	}
	var env []string
	if w.Clock {
		if w.clock, err = newClock(ctx, h.dir); err != nil {
			return err
		}
		env = w.clock.env()
	}
	if err := w.startRedis(ctx, env); err != nil {
		return err
	}
	if w.Proxy, err = w.proxy(ctx); err != nil {
		return err
	}
	if w.Provider, err = StartProvider(ctx); err != nil {
		return err
	}
	add := w.Add
	if w.Version != today {
		if w.former, err = h.former(ctx, w.Version); err != nil {
			return err
		}
		add = w.AddFormer
	}
	for i := range w.Replicas {
		if _, err := add(ctx, fmt.Sprint("r", i+1)); err != nil {
			return err
		}
	}
	// More calls than the burst, and one second's: the burst is spent, and the replicas have found their lines.
	if err := w.Await(ctx, int(float64(w.Burst)+w.perSecond()), 0, ""); err != nil {
		return err
	}
	w.begun = w.Provider.Now()
	w.from, w.fault = w.begun, w.begun
	return nil
}

func (w *World) proxy(ctx context.Context) (*Proxy, error) {
	if !w.Config.Proxy {
		return nil, nil //nolint:nilnil // the row has none
	}
	return StartProxy(ctx, w.Redis.Addr)
}

// perSecond is the rate in calls a second.
func (w *World) perSecond() float64 { return float64(w.Rate) / w.Per.Seconds() }

// Fault notes that the first fault happens now. Silence is measured from here on.
func (w *World) Fault() {
	if w.fault == w.begun {
		w.fault = w.Provider.Now()
	}
}

// Measure sleeps for a time, and has the share that is used measured in it.
func (w *World) Measure(ctx context.Context, d time.Duration) error {
	w.from = w.Provider.Now()
	err := pause(ctx, d)
	w.to = w.Provider.Now()
	return err
}

// used is the share that was used in the span that was measured last.
func (w *World) used() float64 { return w.Provider.Log().Used(w.from, w.to, w.perSecond()) }

// Note notes a figure that only this row has.
func (w *World) Note(name string, value float64) { w.extra = append(w.extra, Extra{name, value}) }

// First waits for the first call after now, and notes how long it took.
func (w *World) First(ctx context.Context) error {
	took, err := w.firstSince(ctx, w.Provider.Now())
	w.Note(firstAfter, float64(took.Milliseconds()))
	return err
}

// firstSince waits for the first call since a time, and returns how long it took, or how long it was waited for.
func (w *World) firstSince(ctx context.Context, from time.Duration) (time.Duration, error) {
	return w.firstOf(ctx, from, "")
}

// firstOf is firstSince of one replica, or of all where the name is empty.
func (w *World) firstOf(ctx context.Context, from time.Duration, replica string) (time.Duration, error) {
	if err := w.Await(ctx, 1, from, replica); err != nil {
		return 0, err
	}
	now := w.Provider.Now()
	for _, a := range w.Provider.Log().Between(from, now) {
		if replica == "" || a.Replica == replica {
			return a.At - from, nil
		}
	}
	return now - from, nil
}

// eachSince waits until each replica has made a call since a time, and returns how long the last took.
func (w *World) eachSince(ctx context.Context, from time.Duration) (longest time.Duration, err error) {
	for _, r := range w.Fleet {
		took, err := w.firstOf(ctx, from, r.Name)
		if err != nil {
			return 0, err
		}
		longest = max(longest, took)
	}
	return longest, nil
}

// During notes how many calls arrived in a fault that ends now. Calls that were reserved before the fault may start: the horizon and the slack are left out.
func (w *World) During(from time.Duration) {
	w.Note(during, float64(len(w.Provider.Log().Between(from+reserved, w.Provider.Now()))))
}

// reserved is how long calls may go on that had their reservations when Redis fell silent: the horizon, the slack, and 50 ms for the call.
const reserved = 250*time.Millisecond + slack + 50*time.Millisecond

// Busy waits until calls of some seconds at the rate have arrived from now on, of a replica or of all.
func (w *World) Busy(ctx context.Context, seconds float64) error {
	return w.Await(ctx, int(seconds*w.perSecond()), w.Provider.Now(), "")
}

// pause sleeps for the length of a fault or of a measurement.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end drains all replicas at once.
func (w *World) end(ctx context.Context) error {
	if w.to == 0 {
		w.to = w.Provider.Now()
	}
	if w.until == 0 {
		w.until = w.Provider.Now()
	}
	errs := make([]error, len(w.Fleet))
	var all sync.WaitGroup
	for i, r := range w.Fleet {
		if !r.killed {
			all.Go(func() { _, errs[i] = r.end(ctx, w.Provider.Now) })
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

// judge reads the log and the reports.
func (w *World) judge(r Row) *Played {
	log := w.Provider.Log()
	p := &Played{Row: r, Extra: w.extra}
	var accepted, ended, calls, failures, arrived, ok int64
	var first string
	for _, replica := range w.Fleet {
		if replica.last.Event != "ended" {
			continue // killed
		}
		p.Reports = append(p.Reports, replica.last)
		accepted += replica.last.Accepted
		ended += replica.last.Ended()
		calls += replica.last.ScriptCalls
		failures += replica.last.Failed
		ok += replica.last.OK
		arrived += int64(len(log.Of(replica.Name)))
		if first == "" {
			first = replica.last.Error
		}
	}
	// A task that ended well and that the provider has not seen is lost, too.
	lost := accepted - ended + max(0, ok-arrived)
	excess, most, used := log.Excess(w.perSecond(), float64(w.Burst)), log.Most(time.Second), log.Used(w.from, w.to, w.perSecond())
	silence := log.Silence(w.fault, w.until)
	ms, twice, each := silence.Milliseconds(), log.Twice(), float64(calls)/float64(max(1, arrived))
	p.Line = Line{
		Row: r.Number, Fault: r.Fault, Excess: rounded(excess, 10), Max1s: &most, Used: rounded(used, 1000), SilenceMS: &ms, Lost: &lost, Twice: &twice,
		CallsPerTask: rounded(each, 100),
	}
	p.Extra = append(p.Extra, Extra{failed, float64(failures)})
	if w.givenUp > 0 {
		p.Extra = append(p.Extra, Extra{GivenUp, float64(w.givenUp)})
	}
	if first != "" {
		p.Output = "the first task that failed: " + first
	}
	return p
}

// close ends what is left.
func (w *World) close() {
	for _, r := range w.Fleet {
		_ = r.Signal(resumeSignal)
		r.kill()
	}
	if w.Proxy != nil {
		w.Proxy.Close()
	}
	for _, p := range w.proxies {
		p.Close()
	}
	for _, s := range w.servers {
		s.Close()
	}
	if w.Provider != nil {
		w.Provider.Close()
	}
}

// sum adds a figure of all replicas that live.
func (w *World) sum(ctx context.Context, of func(outcome.Report) float64) (sum float64, err error) {
	for _, r := range w.Fleet {
		if r.killed {
			continue
		}
		report, err := r.Ask(ctx, "report")
		if err != nil {
			return 0, err
		}
		sum += of(report)
	}
	return sum, nil
}
