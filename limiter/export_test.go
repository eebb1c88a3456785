package limiter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// Normal returns the limit with its zero values filled in.
func Normal(l Limit) (Limit, error) { return l.normal() }

// Args returns the limit of a bucket as an argument of the scripts.
func Args(bucket string, l Limit, own bool, opens int64) lua.Limit {
	return bound{bucket: bucket, limit: l, own: own, opens: opening{at: opens}}.args()
}

// Clock maps the store's time to local time.
type Clock = lane.Clock

// NewClock returns a new Clock.
var NewClock = lane.NewClock

// KeepsNewest reports whether a lane keeps its route when it gets an older one.
func KeepsNewest(l *Limiter, route string) bool {
	n, err := l.lane(route, false)
	if err != nil {
		return false
	}
	now := n.Route()
	older := *now
	older.Built--
	n.Reroute(&older)
	return n.Route() == now
}

// Sweep gives up the lanes that no caller has used since the last sweep, however recent that was.
func Sweep(l *Limiter) { l.sweep(time.Now()) }

// ShortenIdle sets the idle time after which lanes are given up. Call it before all calls.
func ShortenIdle(l *Limiter, idle time.Duration) { betweenPresences(l, func() { l.idle = idle }) }

// betweenPresences changes a value that the presence goroutine reads.
func betweenPresences(l *Limiter, change func()) {
	if l.beginConfiguring(l.life) == nil {
		change()
		l.endConfiguring()
	}
}

// Lanes returns how many lanes a limiter has.
func Lanes(l *Limiter) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.lanes)
}

// OnForget calls a function with the lanes that the store is to forget. Call OnForget before all calls.
func OnForget(l *Limiter, call func(ids []string)) {
	betweenPresences(l, func() { l.store = forgetful{l.store, call} })
}

type forgetful struct {
	store

	call func(ids []string)
}

func (f forgetful) forget(ids []string) {
	f.call(ids)
	f.store.forget(ids)
}

// GiveUp gives up the lane of a route, as a sweep that has not ended yet does: callers still find the lane.
func GiveUp(l *Limiter, route string) bool {
	n, err := l.lane(route, false)
	if err != nil {
		return false
	}
	n.Retire(time.Now(), 0) // notes that the lane was used
	return n.Retire(time.Now(), 0)
}

// Recollection holds what a replica remembers of slow limits.
type Recollection = recollection

// Note remembers a limit of a reply.
func (r recollection) Note(l lua.Limit, epoch string, grants, level int64, now time.Time, horizon time.Duration) {
	r.note(l, epoch, grants, level, now, horizon)
}

// Reports returns the reports of all remembered limits.
func (r recollection) Reports(now time.Time) []lua.Report { return r.reports(now) }

// OnReserve calls a function with the number of runs of each request. Call OnReserve before all calls.
func OnReserve(l *Limiter, call func(runs int)) {
	betweenPresences(l, func() { l.store = watched{l.store, call} })
}

type watched struct {
	store

	call func(runs int)
}

func (w watched) line(id string) lane.Store { return watchedLine{w.store.line(id), w.call} }

type watchedLine struct {
	lane.Store

	call func(runs int)
}

func (w watchedLine) Reserve(r *lane.Route, q *lane.Request) error {
	w.call(len(q.Asks))
	return w.Store.Reserve(r, q)
}

// SameLane reports whether opening the lane of a route returns the lane that another caller has opened meanwhile.
func SameLane(l *Limiter, route string) bool {
	first, err := l.lane(route, false)
	if err != nil {
		return false
	}
	second, err := l.openLane(keyOf(first), nil)
	return err == nil && first == second
}

// OpenLane opens the lane of a route, as a caller does that found the route a moment ago.
func OpenLane(l *Limiter, route string) error {
	_, err := l.openLane(laneKey{route: route}, nil)
	return err
}

// AwayAfter reports whether Redis counts as away when no request was answered and the timer fires late.
func AwayAfter(t *testing.T, late time.Duration) (away bool) {
	synctest.Test(t, func(*testing.T) {
		o := newOutage(func(time.Time) {})
		o.sent(time.Now())
		o.alarm.Stop()
		time.Sleep(silence + late)
		o.look(func(time.Time) { away = true })
		o.alarm.Stop()
	})
	return away
}

// Broke exports broke.
func Broke(err error) bool { return broke(err) }

// Patient returns the client that waits for as long as a request may take.
func Patient(rdb *redis.Client, most time.Duration) *redis.Client {
	c, _ := patient(rdb, most).(*redis.Client) // the type is always this one
	return c
}

// Accustom makes the limiter expect that Redis usually takes that long to answer.
func Accustom(l *Limiter, takes time.Duration) { l.outage.usual.add(takes) }

// LacksReplicas exports lacksReplicas, for the text of INFO.
func LacksReplicas(info string) bool { return lacksReplicas(facts(info)) }

// EvictsAll exports evictsAll, for the text of INFO.
func EvictsAll(info string) bool { return evictsAll(facts(info)) }
