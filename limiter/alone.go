package limiter

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// steady is how long calls must have been answered before Redis counts as back.
	steady = time.Second
	// mostReported bounds what this replica reports to the fleet about one bucket, in thousandths of tokens.
	mostReported = 1_000_000_000
)

// alone is the state of this replica while Redis is away. The limiter's lock guards the fields that change.
type alone struct {
	nth     int64     // of the process; fixed, like the six below
	since   time.Time // since when Redis has been silent
	live    int       // replicas, as this one last read from Redis
	ends    time.Time // when the shares end
	local   *memory   // keeps the shares; nil where there are none
	started time.Time // when this replica noticed the outage
	at      int64     // µs, the same moment on the fleet's clock; 0 where that is not known

	mode     Mode
	answers  bool                // Redis is about to receive what the shares spent: the shares of windows have ended
	promises map[string]promised // by bucket

	reason atomic.Pointer[error] // why Redis did not serve the last call; nil where Redis gave no reason

	// Owned by the probing goroutine: since when it reports to the fleet what the shares spend, and what it reported,
	// by bucket.
	reporting time.Time
	reported  map[string]int64
}

// unavailable is the error of a call that cannot start without Redis.
func (a *alone) unavailable() error {
	if why := a.reason.Load(); why != nil {
		return fmt.Errorf("%w: redis is away, and nothing starts over this route without it: %w", ErrUnavailable, *why)
	}
	return fmt.Errorf("%w: redis is away, and nothing starts over this route without it: it does not answer", ErrUnavailable)
}

// cause returns why Redis is away, in words for the log.
func (a *alone) cause() string {
	why := a.reason.Load()
	if why == nil {
		return "it does not answer"
	}
	text := (*why).Error()
	switch {
	case strings.Contains(text, "WRONGPASS"), strings.Contains(text, "invalid password"):
		return "wrong password: " + text
	case strings.Contains(text, "NOAUTH"):
		return "no password: " + text
	}
	return text
}

// goAlone is called when Redis has been silent for too long. It does nothing before New has succeeded.
func (l *Limiter) goAlone(since time.Time) {
	l.mu.Lock()
	if !l.opened || l.closed || l.alone != nil {
		l.mu.Unlock()
		return
	}
	l.outages++
	a := &alone{nth: l.outages, since: since, live: l.conf.live, mode: Away, started: time.Now(), promises: map[string]promised{}}
	a.reason.Store(l.outage.why.Load())
	if a.at = l.shared.Clock.Store(a.started); a.at == 0 { // nobody has called yet
		a.at = l.redis.ownAt(a.started)
	}
	switch l.s.WhenAway {
	case FailOpen:
		a.mode = Open
	case FailLocal:
		if l.announced {
			a.mode, a.ends = Local, a.started.Add(l.s.LocalFor)
			empty := a.at - a.started.Sub(since).Microseconds() + l.s.Horizon.Microseconds()
			a.local = newShares(a.started, a.at, empty, l.s.Horizon, l.conf)
		}
	case FailClosed:
	}
	l.alone = a
	mode := a.mode
	l.flights.Go(func() { l.untilBack(a) })
	reroute := l.reroutesLocked()
	l.mu.Unlock()
	reroute()
	l.telemetry.mode(l.life, mode)
	l.s.Logger.LogAttrs(l.life, slog.LevelWarn, "redis is away", slog.String("namespace", l.s.Namespace), slog.String("mode", string(mode)),
		slog.Int("replicas", a.live), slog.Duration("silent", time.Since(since).Round(time.Millisecond)), slog.String("reason", a.cause()))
}

// change applies a change to the time without Redis, while it lasts, and updates the lanes. It reports whether it still
// lasts.
func (l *Limiter) change(a *alone, change func()) bool {
	l.mu.Lock()
	if l.alone != a {
		l.mu.Unlock()
		return false
	}
	change()
	reroute := l.reroutesLocked()
	l.mu.Unlock()
	reroute()
	return true
}

// untilBack asks Redis until it is back. It ends the shares when their time is over.
func (l *Limiter) untilBack(a *alone) {
	if a.local != nil {
		end := time.AfterFunc(time.Until(a.ends), func() {
			if !l.change(a, func() { a.mode = Away }) {
				return
			}
			l.telemetry.mode(l.life, Away)
			l.s.Logger.LogAttrs(l.life, slog.LevelWarn, "redis is still away: calls wait", slog.String("namespace", l.s.Namespace), slog.Duration("local_for", l.s.LocalFor))
		})
		defer end.Stop()
	}
	var answered time.Time // since when calls have been answered
	patience := time.Duration(0)
	for first := true; ; first = false {
		if answered.IsZero() {
			conf, took, ok := l.firstAnswer(a, first)
			if !ok {
				return
			}
			if l.nothingToReport(a) { // nothing was spent: there is nothing to report
				l.applyUnless(conf)
				l.endOutage(a)
				return
			}
			patience = min(l.s.CallTimeout, max(l.outage.patience(), slowness*took))
		} else if !l.sleep(jittered(probeEvery)) {
			return
		}
		sent := time.Now()
		last := !answered.IsZero() && sent.Sub(answered) >= steady
		if err := l.probe(a, patience, !answered.IsZero(), last); err != nil {
			answered = time.Time{}
			a.reason.Store(&err)
			continue
		}
		if answered.IsZero() {
			answered = sent
			if a.local != nil {
				l.change(a, func() { a.answers = true })
			}
		}
		if last || a.local == nil { // shares spent nothing: no caution is needed
			l.endOutage(a)
			return
		}
	}
}

// nothingToReport reports whether calls may start without a report of this outage to the fleet: there was no share and
// no hold.
func (l *Limiter) nothingToReport(a *alone) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return a.local == nil && len(a.promises) == 0
}

// sleep waits, and reports whether the limiter still runs.
func (l *Limiter) sleep(d time.Duration) bool {
	pause := time.NewTimer(d)
	defer pause.Stop()
	select {
	case <-pause.C:
		return true
	case <-l.life.Done():
		return false
	}
}

// probe asks Redis for what is in force, and reports what the replica spends of its shares until the next probe. After
// the last probe none follows.
func (l *Limiter) probe(a *alone, patience time.Duration, again, last bool) error {
	ctx, cancel := context.WithTimeout(l.life, patience)
	defer cancel()
	if !again { // the earlier report may not have arrived
		a.reporting, a.reported = time.Now(), map[string]int64{}
	}
	ahead := probeEvery * 6 / 5 // until the next probe has come
	if last {
		ahead = 2 * l.s.Horizon // reservations of the shares, and requests that are still in flight
	}
	l.mu.RLock()
	promises := a.unsentLocked(l.s.Replica, time.Now())
	l.mu.RUnlock()
	conf, err := l.store.configure(ctx, append(promises, l.spends(a, again, ahead)...), false)
	if err != nil {
		return err
	}
	l.mu.Lock()
	for _, c := range promises {
		h := a.promises[c.bucket]
		h.sent = true
		a.promises[c.bucket] = h
	}
	l.mu.Unlock()
	l.applyUnless(conf)
	return nil
}

// applyUnless applies a configuration from Redis, unless another goroutine is asking: that one receives the same.
func (l *Limiter) applyUnless(conf configuration) {
	select {
	case l.configuring <- struct{}{}:
		l.apply(l.life, conf)
		l.endConfiguring()
	default:
	}
}

// spends returns the reports to the fleet about the buckets that have shares: each bucket is empty, and the replica
// spends its share for ahead more. When the report is repeated, the shares of windows have ended.
func (l *Limiter) spends(a *alone, again bool, ahead time.Duration) (all []change) {
	if a.local == nil {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	for bucket := range l.s.Buckets {
		limits := l.conf.limits[bucket]
		if !a.local.used(bucket) {
			continue
		}
		if again && slices.ContainsFunc(limits, func(b bound) bool { return b.limit.Window }) {
			continue
		}
		rate, shared := 0.0, true
		for _, b := range limits {
			part, ok := b.share(a.live)
			if shared = shared && ok; ok && (rate == 0 || part.limit.Rate() < rate) {
				rate = part.limit.Rate()
			}
		}
		if !shared || len(limits) == 0 {
			continue
		}
		thousandths := int64(0)
		if a.mode == Local { // otherwise what is spent is paid already
			thousandths = max(0, int64(math.Ceil(min(mostReported, 1000*rate*(time.Since(a.reporting)+ahead).Seconds())))-a.reported[bucket])
			a.reported[bucket] += thousandths
		}
		all = append(all, change{bucket: bucket, spent: &thousandths})
	}
	return all
}

// endOutage ends a time without Redis.
func (l *Limiter) endOutage(a *alone) {
	l.outage.again()
	l.shared.Clock.Renew(l.redis.lastSeen())
	l.mu.Lock()
	l.alone = nil
	if time.Since(a.since) > wishesLive-presenceEvery { // the others may have forgotten this replica: it has no share until it is announced again
		l.announced = false
	}
	l.awayFor += time.Since(a.since)
	l.returned = time.Now()
	promises := a.unsentLocked(l.s.Replica, time.Now()) // of the last half second
	l.oweLocked(a)
	reroute := l.reroutesLocked()
	l.mu.Unlock()
	reroute()
	if len(promises) > 0 {
		_ = l.configure(l.life, promises...) // if this fails: the provider refuses the next call, and that is reported again
	}
	l.telemetry.mode(l.life, Connected)
	l.s.Logger.LogAttrs(l.life, slog.LevelInfo, "redis is back", slog.String("namespace", l.s.Namespace), slog.Duration("away", time.Since(a.since).Round(time.Millisecond)))
}

// oweLocked notes the buckets made at run time that Redis must empty: those whose shares were used, and those that a
// provider has shut.
func (l *Limiter) oweLocked(a *alone) {
	now := time.Now()
	for bucket, h := range a.promises {
		if h.own {
			l.redis.owing.add(bucket, owed{shut: h.until})
		}
	}
	if a.local == nil {
		return
	}
	for bucket, fills := range a.local.spent() {
		if _, configured := l.s.Buckets[bucket]; !configured {
			l.redis.owing.add(bucket, owed{until: now.Add(fills)})
		}
	}
}
