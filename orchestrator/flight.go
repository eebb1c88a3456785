package orchestrator

import (
	"context"
	"time"
)

// flight is the run that tasks of one key share, whatever the type of its result.
type flight interface{ drop() }

// shared is a flight with its type: a task of its own, which belongs to none of those who have joined it.
type shared[T any] struct {
	task

	o      *Orchestrator
	key    string
	fn     Task[T]
	value  T
	err    error
	cancel context.CancelCauseFunc

	members map[*task]member[T] // guarded by mu, like the rest
	kept    *time.Timer         // until a result is forgotten
}

// member is a task that waits for the run of another.
type member[T any] interface {
	job
	base() *task
	receive(value T)
}

// share joins a task to the run of its key, which it begins if there is none.
func share[T any](o *Orchestrator, key string, fn Task[T], m member[T]) error {
	t := m.base()
	done := t.ctx.Done()
	o.trace(t, nil, o.now())
	// The run outlives the one who began it if others wait for it: the values of its context are his, its end is not.
	s := &shared[T]{o: o, key: key, fn: fn, members: map[*task]member[T]{}}
	s.ctx, s.cancel = context.WithCancelCause(outside{context.WithoutCancel(t.ctx)})
	set := *t.opts
	set.key = nil
	s.job, s.opts = s, &set
	s.flags = inner
	within := o.running(t.ctx)
	o.mu.Lock()
	err := s.shareLocked(m, done, within)
	o.unlock()
	if err != nil {
		s.cancel(nil)
		o.traceRefused(t, err)
	}
	return err
}

// shareLocked joins a task to the flight that has the key, or begins this one.
// It is within an attempt, perhaps, which must not be the one that it would wait for.
func (s *shared[T]) shareLocked(m member[T], done <-chan struct{}, within *run) error {
	o := s.o
	for range 2 {
		if o.drain.closed {
			return ErrClosed
		}
		if there, ok := o.flights[s.key]; ok {
			other, ok := there.(*shared[T])
			if !ok {
				return ErrKeyType
			}
			if within != nil && within.t == &other.task {
				return ErrAwaitsItself
			}
			s.cancel(nil)
			o.count.Joined++
			other.joinLocked(m, done)
			return nil
		}
		// It may give up mu to wait for room: another may have begun meanwhile, and this one then joins that.
		if err := o.enterLocked(m.base().ctx, nil, s.opts, nil, 0); err != nil {
			return err
		}
		if _, ok := o.flights[s.key]; !ok {
			break
		}
		o.leaveRoomLocked(&s.task)
	}
	o.flights[s.key] = s
	o.enqueueLocked(&s.task, nil, o.now())
	s.joinLocked(m, done)
	return nil
}

// joinLocked adds a task to those that wait for the run.
func (s *shared[T]) joinLocked(m member[T], done <-chan struct{}) {
	t, o := m.base(), s.o
	o.joinLaneLocked(t, o.now())
	if s.state == over { // kept, or ended before it could begin
		if s.err == nil {
			m.receive(s.value)
		}
		o.overLocked(t, s.err, o.now())
		return
	}
	t.state = joined
	s.members[t] = m
	t.extra().of = &s.task
	t.more.leave = func(why error) { s.leaveLocked(t, why) }
	o.watchLocked(t, done, 1)
	if t.rank < s.rank { // it goes as fast as the most urgent wants
		if s.state == queued {
			s.opts.lane.queue.remove(&s.task)
		}
		s.rank = t.rank
		if s.state == queued {
			s.opts.lane.queue.pushBack(&s.task)
			s.opts.lane.movedLocked()
			o.wakeLocked()
		}
	}
}

// leaveLocked takes out a member whose context has ended. With the last of them the run ends, too, and who comes later
// begins one anew.
func (s *shared[T]) leaveLocked(t *task, why error) {
	delete(s.members, t)
	if len(s.members) > 0 {
		return
	}
	s.forgetLocked()
	s.cancel(why)
	s.o.withdrawLocked(&s.task, why)
	s.opts.lane.movedLocked()
}

// forgetLocked frees the key, if it still names this very run.
func (s *shared[T]) forgetLocked() {
	if s.o.flights[s.key] == flight(s) {
		delete(s.o.flights, s.key)
	}
}

func (s *shared[T]) drop() {
	if s.kept != nil {
		s.kept.Stop()
	}
	s.forgetLocked()
}

func (s *shared[T]) do(ctx context.Context) (err error) {
	value, err := s.fn(ctx)
	s.value = value
	return err
}

// settle passes the outcome on to everybody who has joined.
func (s *shared[T]) settle(err error, at int64, givenUp bool) {
	s.err = err
	if keep := s.opts.keep; err == nil && keep > 0 && s.o.flights[s.key] == flight(s) && !s.o.drain.closed {
		s.kept = time.AfterFunc(keep, func() {
			s.o.mu.Lock()
			s.forgetLocked()
			s.o.mu.Unlock()
		})
	} else {
		s.forgetLocked()
	}
	for t, m := range s.members {
		if !givenUp {
			m.receive(s.value)
		}
		s.o.overLocked(t, err, at)
	}
	s.members = nil
}

func (s *shared[T]) failure() error { return s.err }
func (s *shared[T]) tell()          { s.cancel(nil) }
