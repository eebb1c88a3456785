package limiter

import "time"

// promised is a hold that a provider asked of this replica while Redis is away. The replica sends it to the fleet when
// Redis is back.
type promised struct {
	until, asked time.Time
	gently       bool
	own          bool // the bucket was made at run time
	sent         bool // the fleet knows
}

// holdAlone shuts a bucket of the shares for as long as a provider asks, and keeps the hold for the fleet. It reports
// whether Redis is away.
func (l *Limiter) holdAlone(b bound, hold time.Duration) bool {
	l.mu.RLock()
	a := l.alone
	l.mu.RUnlock()
	now := time.Now()
	return a != nil && l.change(a, func() {
		if h, ok := a.promises[b.bucket]; ok && h.until.After(now.Add(hold-min(sameHold, hold/4))) {
			return // the same refusal
		}
		a.promises[b.bucket] = promised{until: now.Add(hold), asked: now, gently: hold > momentary, own: b.own}
	})
}

// opensOf returns when a bucket opens, by what the fleet was given or by what its provider has asked of this replica
// since.
func (a *alone) opensOf(bucket string, known opening) opening {
	h, ok := a.promises[bucket]
	if !ok {
		return known
	}
	if at := a.at + h.until.Sub(a.started).Microseconds(); at > known.at {
		return opening{at: at, by: heldBy("", h.asked, h.gently)}
	}
	return known
}

// unsentLocked returns the holds that the fleet does not know.
func (a *alone) unsentLocked(replica string, now time.Time) (all []change) {
	for bucket, h := range a.promises {
		left := h.until.Sub(now).Microseconds()
		if h.own || h.sent || left <= 0 {
			continue
		}
		all = append(all, change{bucket: bucket, opens: &opening{at: left, by: heldBy(replica, h.asked, h.gently)}})
	}
	return all
}
