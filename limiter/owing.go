package limiter

import (
	"sync"
	"sync/atomic"
	"time"
)

// owing holds the buckets made at run time that changed while Redis was away: a share was spent, or a provider has
// asked to wait. Redis does not know of it, so the next request over such a bucket empties the bucket first. It is safe
// for concurrent use.
type owing struct {
	some atomic.Bool // there may be such buckets; most of the time there are none

	mu sync.Mutex
	of map[string]owed
}

// owed is what Redis must learn of a bucket.
type owed struct {
	until time.Time // when the bucket is full again, whatever was spent: then nothing is owed
	shut  time.Time // until when a provider has asked to wait; zero if it has not
}

// add notes what happened to a bucket. Of two times the later counts.
func (o *owing) add(bucket string, d owed) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = map[string]owed{}
	}
	was := o.of[bucket]
	o.of[bucket] = owed{laterOf(was.until, d.until), laterOf(was.shut, d.shut)}
	o.some.Store(true)
}

// shutFor returns how long a bucket is to be shut now, at least a millisecond, so that it is empty. It reports whether
// there is anything to pay.
func (o *owing) shutFor(bucket string, now time.Time) (time.Duration, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d, ok := o.of[bucket]
	if ok && !d.until.After(now) && !d.shut.After(now) {
		o.removeLocked(bucket)
		ok = false
	}
	return max(time.Millisecond, d.shut.Sub(now)), ok
}

// paid notes that Redis has learnt of a bucket.
func (o *owing) paid(bucket string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.removeLocked(bucket)
}

func (o *owing) removeLocked(bucket string) {
	delete(o.of, bucket)
	o.some.Store(len(o.of) > 0)
}

// laterOf returns the later of two times.
func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
