package limiter

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// silence is how long no call must have been answered, at least, before Redis is away.
	silence = 500 * time.Millisecond
	// starved bounds how late the alarm may be. A process that was suspended, or had no processor, cannot know how long
	// Redis took.
	starved = 100 * time.Millisecond
	// slowness is how many times the usual time an answer may take.
	slowness = 4
)

// outage notes since when no call to Redis has been answered. It is safe for concurrent use.
type outage struct {
	zero   time.Time    // of its scale; fixed
	silent atomic.Int64 // ns on the scale: since when a call waits and no answer has come; 0 where none waits
	under  atomic.Int64 // waiting calls, without those of a former era
	era    atomic.Int64 // how often Redis came back; calls of a former era are given up
	armed  atomic.Bool  // the alarm is set
	denied atomic.Bool  // Redis has refused this replica: waiting is useless
	due    atomic.Int64 // ns on the scale, when the alarm looks
	alarm  *time.Timer
	usual  usual
	why    atomic.Pointer[error] // why the last call was not answered; nil if it was
}

// newOutage returns an outage that calls away when Redis is away.
func newOutage(away func(since time.Time)) *outage {
	o := &outage{zero: time.Now().Add(-1)}
	o.alarm = time.AfterFunc(time.Hour, func() { o.look(away) })
	o.alarm.Stop()
	return o
}

// sent notes that a call begins, and returns its era.
func (o *outage) sent(now time.Time) (era int64) {
	o.under.Add(1)
	if o.silent.Load() == 0 && o.silent.CompareAndSwap(0, int64(now.Sub(o.zero))) {
		o.watch()
	}
	return o.era.Load()
}

// ended notes that a call of an era no longer waits, and returns how many others do.
func (o *outage) ended(era int64) (others int64) {
	if era != o.era.Load() {
		return o.under.Load()
	}
	return o.under.Add(-1)
}

// watch sets the alarm, unless it is set.
func (o *outage) watch() {
	if o.armed.CompareAndSwap(false, true) {
		o.reset(silence)
	}
}

func (o *outage) reset(after time.Duration) {
	o.due.Store(int64(time.Since(o.zero) + after))
	o.alarm.Reset(after)
}

// answered notes that a call of an era was answered, and when it was sent. Others may still wait.
func (o *outage) answered(era int64, sent time.Time) {
	now := time.Now()
	if o.ended(era) > 0 {
		o.silent.Store(int64(now.Sub(o.zero)))
		o.watch()
	} else {
		o.silent.Store(0)
	}
	o.usual.add(now.Sub(sent))
	o.why.Store(nil)
}

// deny notes that Redis has refused this replica: Redis is away at once.
func (o *outage) deny() {
	o.denied.Store(true)
	o.armed.Store(true)
	o.reset(0)
}

// failed notes that a call of an era was not answered, and why.
func (o *outage) failed(era int64, why error) {
	if o.ended(era); era == o.era.Load() {
		o.why.Store(&why)
	}
}

// look calls away if Redis has been silent for too long, and looks again later if it is still silent.
func (o *outage) look(away func(since time.Time)) {
	o.armed.Store(false)
	at := o.silent.Load()
	if at == 0 {
		o.denied.Store(false) // it has served since
		return
	}
	if now := time.Since(o.zero); now-time.Duration(o.due.Load()) > starved && o.silent.CompareAndSwap(at, int64(now)) {
		at = int64(now)
	}
	since := o.zero.Add(time.Duration(at))
	if left := o.patience() - time.Since(since); left > 0 && !o.denied.Swap(false) {
		if o.armed.CompareAndSwap(false, true) {
			o.reset(left)
		}
		return
	}
	away(since)
}

// patience returns how long Redis may be silent.
func (o *outage) patience() time.Duration {
	return max(silence, slowness*max(o.usual.most(), o.usual.latest()))
}

// again starts a new era: Redis was away and is back.
func (o *outage) again() {
	o.era.Add(1)
	o.under.Store(0)
	o.silent.Store(0)
	o.denied.Store(false)
}

// usual measures how long the last calls took.
type usual struct {
	mu   sync.Mutex
	took [256]time.Duration
	n    int
	last atomic.Int64 // ns, how long the last one took
}

// latest returns how long the last call took.
func (u *usual) latest() time.Duration { return time.Duration(u.last.Load()) }

func (u *usual) add(took time.Duration) {
	u.last.Store(int64(took))
	u.mu.Lock()
	u.took[u.n%len(u.took)] = took
	u.n++
	u.mu.Unlock()
}

// most returns how long 99 % of the calls took at most; 0 if none was answered.
func (u *usual) most() time.Duration {
	u.mu.Lock()
	some := slices.Clone(u.took[:min(u.n, len(u.took))])
	u.mu.Unlock()
	if len(some) == 0 {
		return 0
	}
	slices.Sort(some)
	return some[(len(some)*99+99)/100-1]
}
