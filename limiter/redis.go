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
	session   string // of this store; a process that restarts under its replica's name is another
	horizon   int64  // µs
	timeout   time.Duration
	telemetry *telemetry
	outage    *outage // nil for an operator
	topology  topology
	owing     owing
	refuses   *refusals
	wish      []lua.Limit
	life      context.Context //nolint:containedctx // of no caller, nor of a span: calls are shared by callers and bound by none

	calls   atomic.Int64
	served  atomic.Bool // a reservation, once
	clocked atomic.Bool // its clock has been looked at

	mu      sync.Mutex
	asked   int64  // calls of configure
	latest  int64  // of those that were answered
	epoch   string // last seen
	grants  int64  // highest count seen in it
	version int64  // of the configuration last seen
	told    string // as of that version
	force   []lua.Limit
	recalls recollection
	now     int64     // µs, Redis' clock as configure saw it last
	own     int64     // µs, and the namespace's own time
	seen    time.Time // then, on the local clock
}

func newRedisStore(rdb redis.UniversalClient, s settings, t *telemetry) *redisStore {
	st := &redisStore{
		rdb: rdb, patient: patient(rdb, s.CallTimeout), keys: lua.Keys(s.Namespace), replica: s.Replica, session: uuid.NewString(), horizon: s.Horizon.Microseconds(),
		refuses: &refusals{log: s.Logger.With("namespace", s.Namespace)}, recalls: recollection{}, timeout: s.CallTimeout, life: context.Background(), telemetry: t,
		topology: topology{rdb: rdb, zero: time.Now()},
	}
	for _, b := range s.wish {
		st.wish = append(st.wish, b.args())
	}
	return st
}

func (s *redisStore) shared() bool { return true }

// checkClock refuses servers whose scripts see no clock that moves: some that speak Redis' protocol answer TIME within a
// script with zeros, or with the time at which they began.
func (s *redisStore) checkClock(ctx context.Context, inScript int64) error {
	const nearly = time.Minute // nodes of a cluster have clocks of their own
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return s.refuses.failed(ctx, err, false)
	}
	if at := time.UnixMicro(inScript); at.Year() < 1990 || now.Sub(at).Abs() > nearly {
		return fmt.Errorf("limiter: scripts on this server see no clock: TIME is %v there and %v outside; use Redis or Valkey", at.UTC(), now.UTC())
	}
	return nil
}

func (s *redisStore) configure(ctx context.Context, changes []change, leaving bool) (configuration, error) {
	return s.configureBy(ctx, s.client(), changes, leaving)
}

// ask asks what is in force, as patiently as a call may be. Of a cluster a node is waited for only as long as others may be asked beside it: the
// namespace may have moved to another.
func (s *redisStore) ask(ctx context.Context) (configuration, error) {
	if _, ok := s.rdb.(*redis.ClusterClient); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, mostAsked*probeEvery)
		defer cancel()
	}
	return s.configureBy(ctx, s.patient, nil, false)
}

func (s *redisStore) configureBy(ctx context.Context, rdb redis.UniversalClient, changes []change, leaving bool) (configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	args := lua.ConfigureArgs{
		Fresh: uuid.NewString(), HorizonUS: s.horizon, Replica: s.replica, Session: s.session, Leaving: leaving, Wish: s.wish,
	}
	for _, l := range s.wish {
		if l.Empty {
			args.Empty = append(args.Empty, l.Field)
		}
	}
	for _, c := range changes {
		if c.words != nil {
			args.Change = append(args.Change, c.words...)
			continue
		}
		if c.opens != nil {
			args.Change = append(args.Change, lua.TellOpens(c.bucket, c.opens.at, c.opens.by)...)
			continue
		}
		if c.spent != nil {
			args.Change = append(args.Change, lua.TellSpent(c.bucket, *c.spent)...)
			continue
		}
		if c.beside != nil {
			args.Change = append(args.Change, lua.TellShadowed(c.bucket, *c.beside)...)
			continue
		}
		if c.shadow != nil {
			args.Change = append(args.Change, lua.TellShadow(*c.shadow)...)
			continue
		}
		var limits []lua.Limit
		for _, b := range c.limits {
			limits = append(limits, b.args())
			if b.limit.Begin == Empty {
				args.Empty = append(args.Empty, b.args().Field)
			}
		}
		args.Change = append(args.Change, lua.TellLimits(c.bucket, limits)...)
	}
	s.mu.Lock()
	args.Epoch, args.Grants, args.Version, args.Told = s.epoch, s.grants, s.version, s.told
	args.Force, args.Reports = s.force, s.recalls.reports(time.Now())
	s.asked++
	nth := s.asked
	s.mu.Unlock()
	sent := time.Now()
	s.sent(sent)
	got, err := lua.Configure(ctx, rdb, s.keys, args)
	s.heard(sent, err)
	if err == nil {
		err = s.complete(got)
	}
	if err == nil && !leaving && !s.clocked.Load() {
		if err := s.checkClock(ctx, got.TimeUS); err != nil {
			return configuration{}, err
		}
		s.clocked.Store(true)
	}
	if err != nil {
		s.mu.Lock()
		before := s.epoch != ""
		s.mu.Unlock()
		return configuration{}, s.failure(ctx, err, before)
	}
	s.mu.Lock()
	if nth < s.latest { // a later call has been answered: this reply is of the past
		s.mu.Unlock()
		return s.configuration(got), nil
	}
	s.latest = nth
	if got.Epoch != s.epoch {
		s.grants = 0
	}
	s.epoch, s.grants, s.version, s.told = got.Epoch, max(s.grants, got.Grants), got.Version, got.Told
	stepped := s.steppedLocked(got.TimeUS)
	s.now, s.own, s.seen, s.force = got.TimeUS, got.NowUS, time.Now(), wantedOf(got)
	for _, h := range got.Slow {
		s.recalls.heard(h.Limit, got.Epoch, got.Grants, h.Level, time.Now(), time.Duration(s.horizon)*time.Microsecond)
	}
	s.mu.Unlock()
	conf := s.configuration(got)
	conf.stepped = stepped
	return conf, nil
}

// sent notes that a call to Redis begins.
func (s *redisStore) sent(now time.Time) {
	if s.outage != nil {
		s.outage.sent(now)
	}
}

// heard notes what became of a call. Redis has answered it if the script has run.
func (s *redisStore) heard(sent time.Time, err error) {
	if s.outage == nil {
		return
	}
	if err != nil && !errors.Is(err, lua.ErrUnknown) {
		_, newer := errors.AsType[*lua.VersionError](err)
		_, ours := errors.AsType[*lua.ArgumentError](err)
		_, stale := errors.AsType[*lua.StaleError](err)
		if !newer && !ours && !stale {
			s.outage.failed(err)
			if turnedAway(err) {
				s.outage.deny()
			}
			if _, answer := errors.AsType[redis.Error](err); !answer {
				s.topology.reload(s.life)
			}
			return
		}
	}
	s.outage.answered(sent)
}

// wantedOf are the limits in force that replicas want. Those that the fleet was told are remembered with the words.
func wantedOf(got lua.ConfigureReply) []lua.Limit {
	return slices.DeleteFunc(slices.Clone(got.Force), func(l lua.Limit) bool { return slices.Contains(got.Set, l.Field.Bucket) })
}

// steppedLocked is by how much Redis' clock has stepped since configure saw it last, a second or more, for calls take time. Both local
// clocks must say so: the monotonic one stands still while a machine is suspended, the other one may step itself.
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

// ownAt is the namespace's own time at a moment, as configure heard of it last.
func (s *redisStore) ownAt(at time.Time) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own + at.Sub(s.seen).Microseconds()
}

// lastSeen is the namespace's own time, µs, as configure heard of it last, and when that was.
func (s *redisStore) lastSeen() (own int64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.own, s.seen
}

// complete returns an error if a reply lacks a limit of a bucket of this replica: then a call could pass the bucket without one.
func (s *redisStore) complete(got lua.ConfigureReply) error {
	for _, l := range s.wish {
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
		for _, w := range s.wish { // what nobody knows is learnt, unless the fleet was told
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

// failure is an error of a call to Redis in the limiter's words. Redis has served the same before, or it has not.
func (s *redisStore) failure(ctx context.Context, err error, before bool) error {
	if _, newer := errors.AsType[*lua.VersionError](err); newer {
		return fmt.Errorf("limiter: another version of this program uses the namespace: %w", err)
	}
	if _, ours := errors.AsType[*lua.ArgumentError](err); ours {
		return fmt.Errorf("limiter: %w", err) // asking again would not help
	}
	return s.refuses.failed(ctx, err, before)
}

// forget removes the stored replies of lanes. Where Redis does not answer they expire with those of the process.
func (s *redisStore) forget(ids []string) {
	ctx, cancel := context.WithTimeout(s.life, s.timeout)
	defer cancel()
	_ = lua.ForgetReplies(ctx, s.rdb, s.keys, s.session, ids)
}

func (s *redisStore) snapshot(ctx context.Context) (Snapshot, error) {
	sent := time.Now()
	s.sent(sent)
	out, err := ReadSnapshot(ctx, s.rdb, string(s.keys))
	s.heard(sent, err)
	return out, err
}
