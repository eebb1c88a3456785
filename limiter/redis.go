package limiter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// redisStore is the store of a fleet: one script call per reserve.
type redisStore struct {
	rdb       redis.UniversalClient
	patient   redis.UniversalClient // rdb, or one that waits longer
	keys      lua.Keys
	replica   string
	session   string // identifies this store; a process that restarts under its replica's name has another
	horizon   int64  // µs
	timeout   time.Duration
	telemetry *telemetry
	outage    *outage // nil for an operator
	topology  topology
	owing     owing
	refuses   *refusals
	wanted    []lua.Limit
	life      context.Context //nolint:containedctx // of no caller and no span: callers share calls, and none bounds them

	calls   atomic.Int64
	served  atomic.Bool // a reservation was served once
	clocked atomic.Bool // the clock was checked

	mu       sync.Mutex
	asked    int64  // calls of configure
	latest   int64  // the latest of these that was answered
	epoch    string // last seen
	grants   int64  // highest count seen in it
	version  int64  // of the configuration last seen
	settings string // what the fleet was told, as of that version
	force    []lua.Limit
	recalls  recollection
	now      int64     // µs, Redis' clock as configure saw it last
	own      int64     // µs, the namespace's own time at that moment
	seen     time.Time // that moment on the local clock
}

func newRedisStore(rdb redis.UniversalClient, s settings, t *telemetry) *redisStore {
	st := &redisStore{
		rdb: rdb, patient: patient(rdb, s.CallTimeout), keys: lua.Keys(s.Namespace), replica: s.Replica, session: uuid.NewString(), horizon: s.Horizon.Microseconds(),
		refuses: &refusals{log: s.Logger.With("namespace", s.Namespace)}, recalls: recollection{}, timeout: s.CallTimeout, life: context.Background(), telemetry: t,
		topology: topology{rdb: rdb, zero: time.Now()},
	}
	for _, b := range s.wanted {
		st.wanted = append(st.wanted, b.args())
	}
	return st
}

func (s *redisStore) shared() bool { return true }

// underWay is a call to Redis that is under way.
type underWay struct {
	at  time.Time
	era int64
}

// send notes that a call to Redis begins.
func (s *redisStore) send() underWay {
	a := underWay{at: time.Now()}
	if s.outage != nil {
		a.era = s.outage.sent(a.at)
	}
	return a
}

// noteResult notes the result of a call. Redis has answered the call if the script has run.
func (s *redisStore) noteResult(a underWay, err error) {
	if s.outage == nil {
		return
	}
	if err != nil && !errors.Is(err, lua.ErrUnknown) {
		_, newer := errors.AsType[*lua.VersionError](err)
		_, ours := errors.AsType[*lua.ArgumentError](err)
		_, stale := errors.AsType[*lua.StaleError](err)
		if !newer && !ours && !stale {
			s.outage.failed(a.era, err)
			if turnedAway(err) && a.era == s.outage.era.Load() {
				s.outage.deny()
			}
			if _, answer := errors.AsType[redis.Error](err); !answer {
				s.topology.reload(s.life)
			}
			return
		}
	}
	s.outage.answered(a.era, a.at)
}

// wantedOf returns the limits in force that replicas want. Limits that were set for the fleet are remembered with the
// words.
func wantedOf(got lua.ConfigureReply) []lua.Limit {
	return slices.DeleteFunc(slices.Clone(got.Force), func(l lua.Limit) bool { return slices.Contains(got.Set, l.Field.Bucket) })
}

// steppedLocked returns by how much Redis' clock has stepped since configure saw it last; less than a second is
// ignored, because calls take time. Both local clocks must agree: the monotonic one stands still while a machine is
// suspended, and the other one may step itself.
func (s *redisStore) steppedLocked(now int64) time.Duration {
	if s.seen.IsZero() {
		return 0
	}
	passed, here := time.Duration(now-s.now)*time.Microsecond, time.Now()
	by := passed - here.Sub(s.seen)
	if by.Abs() < time.Second || (passed-here.Round(0).Sub(s.seen.Round(0))).Abs() < time.Second {
		return 0
	}
	return by
}

// ownAt returns the namespace's own time at a moment, counted from the last configure.
func (s *redisStore) ownAt(at time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own + at.Sub(s.seen).Microseconds()
}

// lastSeen returns the namespace's own time, µs, as of the last configure, and when that was.
func (s *redisStore) lastSeen() (own int64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own, s.seen
}

// complete returns an error if a reply lacks a limit of a bucket of this replica: calls would pass that bucket without
// a limit.
func (s *redisStore) complete(got lua.ConfigureReply) error {
	for _, l := range s.wanted {
		if !slices.ContainsFunc(got.Force, func(f lua.Limit) bool { return f.Field.Bucket == l.Field.Bucket }) {
			return fmt.Errorf("limiter: the reply to configure has no limit of bucket %s", l.Field.Bucket)
		}
	}
	return nil
}

func (s *redisStore) configuration(got lua.ConfigureReply) configuration {
	c := configuration{
		version: got.Version, live: got.Live, former: got.Former, opens: map[string]opening{}, set: map[string]bool{}, shadowed: map[string]bool{},
		shadow: got.Shadow, began: got.Began, collects: time.Duration(got.CollectsUS) * time.Microsecond,
	}
	for _, d := range got.Disputed {
		c.disputed = append(c.disputed, disputeOf(d))
	}
	for _, r := range got.Recovered {
		c.recovered = append(c.recovered, r.Field.Bucket)
	}
	var force []bound
	for _, l := range got.Force {
		b := boundOf(l)
		for _, w := range s.wanted { // an unknown limit is learnt, unless the fleet was given one
			if w.Field == l.Field && !slices.Contains(got.Set, l.Field.Bucket) {
				b.start = w.StartPPM
			}
		}
		force = append(force, b)
	}
	c.limits = byBucket(force)
	for _, o := range got.Opens {
		c.opens[o.Bucket] = opening{o.US, o.By}
	}
	for _, bucket := range got.Set {
		c.set[bucket] = true
	}
	for _, bucket := range got.Shadowed {
		c.shadowed[bucket] = true
	}
	return c
}

// failure converts an error of a call to Redis to an exported error. before is whether Redis has served the same
// before.
func (s *redisStore) failure(ctx context.Context, err error, before bool) error {
	if _, newer := errors.AsType[*lua.VersionError](err); newer {
		return fmt.Errorf("limiter: another version of this program uses the namespace: %w", err)
	}
	if _, ours := errors.AsType[*lua.ArgumentError](err); ours {
		return fmt.Errorf("limiter: %w", err) // asking again would not help
	}
	return s.refuses.failed(ctx, err, before)
}

// forget removes the stored replies of lanes. If Redis does not answer, they expire with the other replies of the
// process.
func (s *redisStore) forget(ids []string) {
	ctx, cancel := context.WithTimeout(s.life, s.timeout)
	defer cancel()
	_ = lua.ForgetReplies(ctx, s.rdb, s.keys, s.session, ids)
}

func (s *redisStore) snapshot(ctx context.Context) (Snapshot, error) {
	a := s.send()
	out, err := ReadSnapshot(ctx, s.rdb, string(s.keys))
	s.noteResult(a, err)
	return out, err
}
