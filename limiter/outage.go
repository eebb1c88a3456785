package limiter

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// silence is for how long no call to Redis may be answered before it is away, at least.
	silence = 500 * time.Millisecond
	// starved is by how much the alarm may be late. A process that was suspended, or had no processor, cannot say how long Redis took.
	starved = 100 * time.Millisecond
	// slowness is how many times as long as usual it may take to answer.
	slowness = 4
)

// outage notes since when no call to Redis has been answered. It is safe for concurrent use.
type outage struct {
	zero   time.Time    // of its scale; fixed
	silent atomic.Int64 // ns on the scale: since when a call waits for an answer and none has come; 0 where none waits
	under  atomic.Int64 // calls that wait, without those of a former era
	era    atomic.Int64 // how often Redis was back; whoever was asked before and is not answered yet was given up
	armed  atomic.Bool  // the alarm will look
	denied atomic.Bool  // Redis has turned this replica away: there is nothing to wait for
	due    atomic.Int64 // ns on the scale, when
	alarm  *time.Timer
	usual  usual
	why    atomic.Pointer[error] // why the last call was not answered; nil where it was
}

// newOutage has away called when Redis is away.
func newOutage(away func(since time.Time)) *outage {
	o := &outage{zero: time.Now().Add(-1)}
	o.alarm = time.AfterFunc(time.Hour, func() { o.look(away) })
	o.alarm.Stop()
	return o
}

// sent notes that a call begins, and returns the era of it.
func (o *outage) sent(now time.Time) (era int64) {
	o.under.Add(1)
	if o.silent.Load() == 0 && o.silent.CompareAndSwap(0, int64(now.Sub(o.zero))) {
		o.watch()
	}
	return o.era.Load()
}

// ended notes that a call of an era waits no longer, and returns how many others do.
func (o *outage) ended(era int64) (others int64) {
	if era != o.era.Load() {
		return o.under.Load()
	}
	return o.under.Add(-1)
}

// watch has the alarm look, unless it will.
func (o *outage) watch() {
	if o.armed.CompareAndSwap(false, true) {
		o.reset(silence)
	}
}

func (o *outage) reset(after time.Duration) {
	o.due.Store(int64(time.Since(o.zero) + after))
	o.alarm.Reset(after)
}

// answered notes that a call of an era was answered that was sent at a time. Others may wait still.
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

// deny notes that Redis has turned this replica away: it is away at once.
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

// look calls away if Redis has been silent for too long, and looks again later if it is silent still.
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

// patience is for how long Redis may be silent.
func (o *outage) patience() time.Duration {
	return max(silence, slowness*max(o.usual.most(), o.usual.latest()))
}

// again begins anew: Redis was away and is back.
func (o *outage) again() {
	o.era.Add(1)
	o.under.Store(0)
	o.silent.Store(0)
	o.denied.Store(false)
}

// usual is how long the last calls took.
type usual struct {
	mu   sync.Mutex
	took [256]time.Duration
	n    int
	last atomic.Int64 // ns, how long the last one took
}

// latest is how long the last call took.
func (u *usual) latest() time.Duration { return time.Duration(u.last.Load()) }

func (u *usual) add(took time.Duration) {
	u.last.Store(int64(took))
	u.mu.Lock()
	u.took[u.n%len(u.took)] = took
	u.n++
	u.mu.Unlock()
}

// most is how long all but one in a hundred calls took; 0 where none was answered.
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
