package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// World has the fleet, the Redis and the provider of one row, and what the row measures.
type World struct {
	Config
	Short    bool // the row is played in its short form
	Redis    *Server
	Proxy    *Proxy // nil if the row has none
	Provider *Provider
	Fleet    []*Replica

	program   Program
	binary    string
	former    former // the former version, in a row with two versions
	dir       string
	proxies   []*Proxy  // of one replica each
	servers   []*Server // all of them
	nodes     []*Server // of a topology: the servers that keep data
	sentinels []*Server
	clock     *clock        // of Redis; nil if the row does not move it
	begun     time.Duration // when the burst was spent and calls arrived at the rate
	fault     time.Duration // when the first fault happened
	from, to  time.Duration // span in which used is measured
	until     time.Duration // end of the span in which silence is measured, which begins at fault
	extra     []Extra
	givenUp   int // waits for calls that ended after Patience
}

// few returns short in the short form of a row, and long otherwise.
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
	if w.Version != thisVersion {
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
	// After the calls of the burst and of one second, the burst is spent and the replicas queue.
	if err := w.Await(ctx, int(float64(w.Burst)+w.perSecond()), 0, ""); err != nil {
		return err
	}
	w.begun = w.Provider.Now()
	w.from, w.fault = w.begun, w.begun
	return nil
}

func (w *World) proxy(ctx context.Context) (*Proxy, error) {
	if !w.Config.Proxy {
		return nil, nil //nolint:nilnil // the row has no proxy
	}
	return StartProxy(ctx, w.Redis.Addr)
}

// perSecond returns the rate in calls a second.
func (w *World) perSecond() float64 { return float64(w.Rate) / w.Per.Seconds() }

// Fault notes that a fault happens now. Silence is measured from the first call of Fault on.
func (w *World) Fault() {
	if w.fault == w.begun {
		w.fault = w.Provider.Now()
	}
}

// Measure sleeps for d. The figure used is measured in this span.
func (w *World) Measure(ctx context.Context, d time.Duration) error {
	w.from = w.Provider.Now()
	err := pause(ctx, d)
	w.to = w.Provider.Now()
	return err
}

// used returns the calls of the last measured span, as a share of the calls that the rate allows.
func (w *World) used() float64 { return w.Provider.Log().Used(w.from, w.to, w.perSecond()) }

// Note adds a figure that only some rows have.
func (w *World) Note(name string, value float64) { w.extra = append(w.extra, Extra{name, value}) }

// First waits for the next call, and notes how long it took.
func (w *World) First(ctx context.Context) error {
	took, err := w.firstSince(ctx, w.Provider.Now())
	w.Note(firstAfter, float64(took.Milliseconds()))
	return err
}

// firstSince waits for the first call since a time, and returns how long after that time it arrived. If the wait is given up, it returns the
// time until now.
func (w *World) firstSince(ctx context.Context, from time.Duration) (time.Duration, error) {
	return w.firstOf(ctx, from, "")
}

// firstOf is firstSince for the calls of one replica, or of all if the name is empty.
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

// eachSince waits until each replica has made a call since a time, and returns how long the last of them took.
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

// During notes how many calls arrived during a fault that began at from and ends now. It does not count the time reserved after from, because
// calls with earlier reservations may start in it.
func (w *World) During(from time.Duration) {
	w.Note(during, float64(len(w.Provider.Log().Between(from+reserved, w.Provider.Now()))))
}

// reserved is how long calls with earlier reservations may still arrive after Redis has stopped replying: the horizon, the slack, and 50 ms for
// the call.
const reserved = 250*time.Millisecond + slack + 50*time.Millisecond

// Busy waits until as many calls have arrived from now on as the rate allows in some seconds.
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

// end drains all replicas at once. The spans of used and of silence end now, unless the row has ended them.
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

// judge computes the figures of the row from the provider's log and the last reports of the replicas.
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
	// A task that ended without an error and whose call the provider has not seen is lost, too.
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

// close ends all replicas, proxies, servers and the provider.
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

// sum returns the sum of a figure over the reports of all live replicas.
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
