package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// mostJudged bounds the calls that are judged at one time. While Redis hangs, further calls are not judged.
const mostJudged = 1024

// ShadowMode is whether a fleet only records, or limits.
type ShadowMode int

// The modes.
const (
	ShadowAsConfigured ShadowMode = iota // each replica as it is configured
	ShadowOn                             // every call may start at once
	ShadowOff                            // calls wait and are refused
)

// ConfigureShadow switches shadow mode for the whole fleet, whatever its replicas were configured with, until it is
// called again. When it returns, Redis has the change. Each replica learns of it with its next call to Redis, within 10
// s at the latest. When a replica learns that shadow mode is on, its waiting calls start. If Redis forgets, replicas
// send the mode again, as for [Limiter.Configure].
func (l *Limiter) ConfigureShadow(ctx context.Context, mode ShadowMode) error {
	text, ok := shadowWords[mode]
	if !ok {
		return errShadowMode(mode)
	}
	return l.sendChange(ctx, change{shadow: &text})
}

// ShadowBucket switches shadow mode of one bucket for the whole fleet. A bucket in shadow mode delays and refuses
// nobody, whatever its limits, and reports about its provider do not slow it down or shut it. The other buckets of a
// route limit as before. Each call that starts is judged by the limits of the bucket, which lose tokens only to calls
// that could have started at once: see the metric weir.bucket.shadowed, and [BucketRecord.Delayed]. Judging costs the
// routes of the bucket a second call to Redis, which many callers share. Nothing is settled in a bucket in shadow mode.
//
// When ShadowBucket returns, Redis has the change. Each replica learns of it with its next call to Redis, within 10 s
// at the latest. Calls that wait only for this bucket start then. If Redis forgets, replicas send the mode again, as
// for [Limiter.Configure]. A bucket made by [Limiter.AddRoute] has no shadow mode of its own.
func (l *Limiter) ShadowBucket(ctx context.Context, bucket string, on bool) error {
	return l.sendChange(ctx, change{bucket: bucket, beside: &on})
}

// shadowed reports whether a bucket is in shadow mode.
func (l *Limiter) shadowed(bucket string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.conf.shadowed[bucket]
}

// judgeBeside makes the buckets of a route that are in shadow mode judge a call that starts.
func (l *Limiter) judgeBeside(n *lane.Lane, cost lane.Cost) {
	if len(n.Route().Beside) == 0 || passedOf(n.Route()).mode == Open {
		return
	}
	if judging, err := l.laneAt(laneKey{n.Route().Name, n.Urgent, true}); err == nil {
		l.pretend(judging, cost, 1)
	}
}

// shadowWords are the modes in the words of the scripts.
var shadowWords = map[ShadowMode]string{ShadowAsConfigured: "", ShadowOn: "on", ShadowOff: "off"} //nolint:gochecknoglobals // fixed

func errShadowMode(mode ShadowMode) error {
	return fmt.Errorf("limiter: shadow mode %d: want ShadowAsConfigured, ShadowOn or ShadowOff", mode)
}

// errPretend ends the wait of calls that may start because shadow mode began.
var errPretend = errors.New("limiter: shadow mode")

// pretended returns permission to start a call that took no tokens.
func pretended(n *lane.Lane, cost lane.Cost) lane.Grant {
	return lane.Grant{Due: time.Now(), Cost: cost, Route: n.Route()}
}

// pretend makes a lane judge calls that start at once in any case.
func (l *Limiter) pretend(n *lane.Lane, cost lane.Cost, calls int) {
	for range calls {
		if l.judging.Add(1) > mostJudged {
			l.judging.Add(-1)
			return
		}
		if l.shared.Local {
			l.judge(n, cost)
			continue
		}
		l.mu.RLock()
		closed := l.closed // otherwise Close waits for it
		if !closed {
			l.flights.Go(func() { l.judge(n, cost) })
		}
		l.mu.RUnlock()
		if closed {
			l.judging.Add(-1)
		}
	}
}

// judge asks for one call, and notes the answer.
func (l *Limiter) judge(n *lane.Lane, cost lane.Cost) {
	defer l.judging.Add(-1)
	now := time.Now()
	var o lane.Outcome
	err := l.through(n, func(n *lane.Lane) (err error) {
		o, err = n.Join(l.life, lane.Ask{Mode: lane.AtOnce, Cost: cost, N: 1, Since: now})
		return err
	})
	wait := time.Duration(0)
	if !o.At.IsZero() {
		wait = o.At.Sub(now)
	}
	if p := passedOf(n.Route()); p.judges {
		l.telemetry.judged(l.life, p.labels, err)
		l.tallies.delayed(p, o, err)
		return
	}
	l.telemetry.pretended(l.life, n, wait, l.public(n, err))
}
