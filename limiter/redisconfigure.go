package limiter

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// checkClock returns an error for servers whose scripts see no moving clock. Some servers that speak Redis' protocol
// answer TIME within a script with zeros, or with the time at which the server began.
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
	a := s.send()
	return s.configureBy(ctx, s.client(), changes, leaving, func(err error) { s.noteResult(a, err) })
}

// ask asks Redis what is in force, and waits as long as a call may. In a cluster it waits for one node only as long as
// it may still ask others: the namespace may have moved to another node. Asking does not count for the detection of an
// outage: it is done during one, and the end of the outage does not wait for earlier requests.
func (s *redisStore) ask(ctx context.Context) (configuration, error) {
	if _, ok := s.rdb.(*redis.ClusterClient); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, mostAsked*probeEvery)
		defer cancel()
	}
	sent := time.Now()
	return s.configureBy(ctx, s.patient, nil, false, func(err error) {
		if err == nil {
			s.outage.usual.add(time.Since(sent))
		}
	})
}

// configureBy runs a configure. It calls note with the result of the call.
func (s *redisStore) configureBy(ctx context.Context, rdb redis.UniversalClient, changes []change, leaving bool, note func(error)) (configuration, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	args := lua.ConfigureArgs{
		Fresh: uuid.NewString(), HorizonUS: s.horizon, Replica: s.replica, Session: s.session, Leaving: leaving, Wish: s.wanted,
	}
	for _, l := range s.wanted {
		if l.Empty {
			args.Empty = append(args.Empty, l.Field)
		}
	}
	for _, c := range changes {
		c.addTo(&args)
	}
	s.mu.Lock()
	args.Epoch, args.Grants, args.Version, args.Told = s.epoch, s.grants, s.version, s.settings
	args.Force, args.Reports = s.force, s.recalls.reports(time.Now())
	s.asked++
	nth := s.asked
	s.mu.Unlock()
	got, err := lua.Configure(ctx, rdb, s.keys, args)
	note(err)
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
	if nth < s.latest { // a later call has been answered: this reply is outdated
		s.mu.Unlock()
		return s.configuration(got), nil
	}
	s.latest = nth
	if got.Epoch != s.epoch {
		s.grants = 0
	}
	s.epoch, s.grants, s.version, s.settings = got.Epoch, max(s.grants, got.Grants), got.Version, got.Told
	stepped := s.steppedLocked(got.TimeUS)
	s.now, s.own, s.seen, s.force = got.TimeUS, got.NowUS, time.Now(), wantedOf(got)
	for _, h := range got.Slow {
		s.recalls.note(h.Limit, got.Epoch, got.Grants, h.Level, time.Now(), time.Duration(s.horizon)*time.Microsecond)
	}
	s.mu.Unlock()
	conf := s.configuration(got)
	conf.stepped = stepped
	return conf, nil
}

// addTo adds a change to the arguments of a configure.
func (c change) addTo(args *lua.ConfigureArgs) {
	if c.words != nil {
		args.Change = append(args.Change, c.words...)
		return
	}
	if c.opens != nil {
		args.Change = append(args.Change, lua.TellOpens(c.bucket, c.opens.at, c.opens.by)...)
		return
	}
	if c.spent != nil {
		args.Change = append(args.Change, lua.TellSpent(c.bucket, *c.spent)...)
		return
	}
	if c.beside != nil {
		args.Change = append(args.Change, lua.TellShadowed(c.bucket, *c.beside)...)
		return
	}
	if c.shadow != nil {
		args.Change = append(args.Change, lua.TellShadow(*c.shadow)...)
		return
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
