package limiter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// Normal is the limit with its zero values filled in.
func Normal(l Limit) (Limit, error) { return l.normal() }

// Args is the limit of a bucket as the scripts take it.
func Args(bucket string, l Limit, own bool, opens int64) lua.Limit {
	return bound{bucket: bucket, limit: l, own: own, opens: opening{at: opens}}.args()
}

// Clock is the mapping of the store's time.
type Clock = lane.Clock

// NewClock begins one.
var NewClock = lane.NewClock

// KeepsNewest reports whether a lane stays with its route when it hears of an older one.
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

// Sweep gives up the lanes that nobody has used since the last sweep, however short that is.
func Sweep(l *Limiter) { l.sweep(time.Now()) }

// ShortenIdle has lanes given up after a time other than idleAfter. It comes before all calls.
func ShortenIdle(l *Limiter, idle time.Duration) { betweenPresences(l, func() { l.idle = idle }) }

// betweenPresences changes what the goroutine that keeps presence reads.
func betweenPresences(l *Limiter, change func()) {
	if l.beginConfiguring(l.life) == nil {
		change()
		l.endConfiguring()
	}
}

// Lanes is how many lanes a limiter has.
func Lanes(l *Limiter) int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.lanes)
}

// OnForget has a function told of the lanes that the store is to forget. It comes before all calls.
func OnForget(l *Limiter, told func(ids []string)) {
	betweenPresences(l, func() { l.store = forgetful{l.store, told} })
}

type forgetful struct {
	store

	told func(ids []string)
}

func (f forgetful) forget(ids []string) {
	f.told(ids)
	f.store.forget(ids)
}

// GiveUp gives up the lane of a route as a sweep does that is not at its end yet: callers find the lane still.
func GiveUp(l *Limiter, route string) bool {
	n, err := l.lane(route, false)
	if err != nil {
		return false
	}
	n.Retire(time.Now(), 0) // finds that it was used
	return n.Retire(time.Now(), 0)
}

// Recollection is what a replica remembers of slow limits.
type Recollection = recollection

// Heard and Reports are its verbs.
func (r recollection) Heard(l lua.Limit, epoch string, grants, level int64, now time.Time, horizon time.Duration) {
	r.note(l, epoch, grants, level, now, horizon)
}

// Reports is what there is to say.
func (r recollection) Reports(now time.Time) []lua.Report { return r.reports(now) }

// OnReserve has a function told of how many runs each call asks for. It comes before all calls.
func OnReserve(l *Limiter, told func(runs int)) {
	betweenPresences(l, func() { l.store = watched{l.store, told} })
}

type watched struct {
	store

	told func(runs int)
}

func (w watched) line(id string) lane.Store { return watchedLine{w.store.line(id), w.told} }

type watchedLine struct {
	lane.Store

	told func(runs int)
}

func (w watchedLine) Reserve(r *lane.Route, q *lane.Request) error {
	w.told(len(q.Asks))
	return w.Store.Reserve(r, q)
}

// SameLane reports whether who opens the lane of a route that another has opened meanwhile gets that one.
func SameLane(l *Limiter, route string) bool {
	first, err := l.lane(route, false)
	if err != nil {
		return false
	}
	second, err := l.openLane(keyOf(first), nil)
	return err == nil && first == second
}

// OpenLane opens the lane of a route, as a caller does who found a moment ago that the route is known.
func OpenLane(l *Limiter, route string) error {
	_, err := l.openLane(laneKey{route: route}, nil)
	return err
}

// AwayAfter reports whether Redis counts as away when no call was answered and the alarm comes late.
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

// Broke is broke.
func Broke(err error) bool { return broke(err) }

// Patient is the client that waits for as long as a call may take.
func Patient(rdb *redis.Client, most time.Duration) *redis.Client {
	c, _ := patient(rdb, most).(*redis.Client) // always
	return c
}

// Accustom has Redis count as one that takes as long to answer as a rule.
func Accustom(l *Limiter, takes time.Duration) { l.outage.usual.add(takes) }

// LacksReplicas reads what INFO says of replication.
func LacksReplicas(info string) bool { return lacksReplicas(facts(info)) }

// EvictsAll is evictsAll, of what INFO says.
func EvictsAll(info string) bool { return evictsAll(facts(info)) }
