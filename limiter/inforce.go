package limiter

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/weir-go/weir/lua"
)

// configuration is what is in force for the whole fleet.
type configuration struct {
	version   int64
	limits    map[string][]bound // by bucket, also for buckets of other services
	opens     map[string]opening // paused buckets
	set       map[string]bool    // buckets whose limits were set at run time
	shadow    string             // shadow mode as set for the fleet: on, off, or "" for not set
	shadowed  map[string]bool    // buckets in shadow mode
	live      int                // replicas that were live lately, including this one
	disputed  []dispute          // the limits that replicas have for disputed buckets
	former    int64              // version of the records that the store had; 0 for none
	began     lua.Began
	collects  time.Duration // how long Redis still collects what replicas remember
	stepped   time.Duration // by which the store's clock has stepped since the previous configuration
	recovered []string      // buckets whose limits were lost and continue where they were
}

func (c configuration) clone() configuration {
	c.limits, c.opens, c.set = maps.Clone(c.limits), maps.Clone(c.opens), maps.Clone(c.set)
	c.shadowed = maps.Clone(c.shadowed)
	return c
}

// forever is a time that no clock reaches, in µs. Sums with it stay exact.
const forever = exact / 2

// change is one change to send to the fleet about a bucket. Without opens it is new limits (none: as configured);
// otherwise it is when the bucket opens.
type change struct {
	bucket string
	limits []bound
	opens  *opening // at counts from now; 0 opens the bucket
	shadow *string  // on, off, or "" for as configured: concerns no single bucket
	beside *bool    // whether the bucket is in shadow mode
	spent  *int64   // thousandths of tokens that the replica takes of the bucket without Redis: see lua.TellSpent
	words  []string // of an operator, in the form of the script
}

// byBucket sorts limits into their buckets, narrowest first.
func byBucket(limits []bound) map[string][]bound {
	m := map[string][]bound{}
	for _, b := range limits {
		m[b.bucket] = append(m[b.bucket], b)
	}
	for _, of := range m {
		narrowestFirst(of)
	}
	return m
}

// Configure sets the limits of a bucket for the whole fleet, whatever its replicas were configured with, until it is
// called again. Without limits it brings the configured limits back into force. The number of tokens in the bucket
// stays. When Configure returns, Redis has the change, and no call of any replica is granted by another limit. Existing
// reservations remain valid, which is a horizon at most. Waiting lanes learn of the change within 5 s. If Redis
// forgets, each replica that knows the change sends it again within 10 s.
//
// A bucket made by [Limiter.AddRoute] cannot be configured: make it again.
func (l *Limiter) Configure(ctx context.Context, bucket string, limits ...Limit) error {
	c := change{bucket: bucket}
	if len(limits) > 0 {
		var err error
		if c.limits, err = normalBucket(bucket, limits, l.s.Horizon); err != nil {
			return err
		}
	}
	return l.sendChange(ctx, c)
}

// Pause closes a bucket for the whole fleet, for d, more than 0. If d is [UntilResumed] the bucket stays closed until
// [Limiter.Resume]. Calls of all routes that pass the bucket wait, or are refused if their deadlines come first. A
// pause never shortens another one. When it ends the bucket is empty, so that the rate returns and not a burst. A limit
// that takes more than 12 s from empty to full keeps its tokens if the bucket has a faster limit. Outstanding reservations remain valid, a horizon at most. If Redis forgets, replicas send the pause again, as for
// [Limiter.Configure].
func (l *Limiter) Pause(ctx context.Context, bucket string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("limiter: pause of %v: want a duration, or limiter.UntilResumed for one without end", d)
	}
	return l.close(ctx, bucket, d, "")
}

// close pauses a bucket. by is the replica whose provider asked for it, or "" for an operator.
func (l *Limiter) close(ctx context.Context, bucket string, d time.Duration, by string) error {
	us := int64(forever)
	if d < UntilResumed {
		us = min(forever, max(1, d.Microseconds()))
	}
	return l.sendChange(ctx, change{bucket: bucket, opens: &opening{at: us, by: by}})
}

// Resume opens a paused bucket, with as few tokens as at the end of a pause. Waiting calls continue within 5 s.
func (l *Limiter) Resume(ctx context.Context, bucket string) error {
	return l.sendChange(ctx, change{bucket: bucket, opens: &opening{}})
}

func (l *Limiter) sendChange(ctx context.Context, c change) error {
	if _, ok := l.s.Buckets[c.bucket]; !ok && c.shadow == nil {
		return fmt.Errorf("limiter: no bucket named %q is configured", c.bucket)
	}
	l.mu.RLock()
	closed := l.closed
	l.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	return l.configure(ctx, c)
}

// beginConfiguring waits until no other goroutine asks the store for what is in force. One asks at a time, so that the
// latest answer is applied last.
func (l *Limiter) beginConfiguring(ctx context.Context) error {
	select {
	case l.configuring <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Limiter) endConfiguring() { <-l.configuring }

// configure sends changes to the store and asks for what is in force.
func (l *Limiter) configure(ctx context.Context, changes ...change) error {
	if err := l.beginConfiguring(ctx); err != nil {
		return err
	}
	defer l.endConfiguring()
	conf, err := l.store.configure(ctx, changes, false)
	if err != nil {
		return err
	}
	l.apply(ctx, conf)
	return nil
}

// refresh asks for what is in force, unless that was done after the call with this version was made.
func (l *Limiter) refresh(ctx context.Context, version int64) error {
	if err := l.beginConfiguring(ctx); err != nil {
		return err
	}
	defer l.endConfiguring()
	l.mu.RLock()
	known := l.conf.version
	l.mu.RUnlock()
	if known != version {
		return nil
	}
	conf, err := l.store.configure(ctx, nil, false)
	if err != nil {
		return err
	}
	l.apply(ctx, conf)
	return nil
}

// apply puts a configuration in force for all lanes. It is called between beginConfiguring and endConfiguring.
func (l *Limiter) apply(ctx context.Context, conf configuration) {
	l.mu.Lock()
	was := l.conf
	l.conf = conf
	pretends := conf.shadow == "on" || conf.shadow == "" && l.s.Shadow
	released := pretends && !l.shadows.Swap(pretends)
	l.shadows.Store(pretends)
	var rerouted []func()
	if conf.version != was.version {
		rerouted = append(rerouted, l.reroutesLocked())
	}
	if released {
		for _, n := range l.lanes {
			rerouted = append(rerouted, func() { n.Release(errPretend) })
		}
	}
	l.mu.Unlock()
	for _, reroute := range rerouted {
		reroute()
	}
	l.telemetry.configured(ctx, conf)
	l.log(ctx, was, conf)
}
