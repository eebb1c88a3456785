package orchestrator

import (
	"context"
	"iter"

	"golang.org/x/sync/semaphore"
)

// Stream calls a function for each value of a sequence that need not fit in memory, and yields the index and outcome of
// each call in the order of ending. It takes the next value only if there is room: at most two calls for each slot are
// in progress, and calls with a [Weight] weigh at most [Config.MaxWeight] together. A slow consumer slows down the
// calls.
//
// A call that cannot be queued has that error as its outcome. After [ErrClosed], and when ctx ends, Stream makes no
// further calls. When the consumer stops early, waiting calls end and the contexts of executing calls end; Stream
// returns after all of them. It runs in the goroutine of its caller and starts no goroutine.
func Stream[In, T any](ctx context.Context, o *Orchestrator, in iter.Seq[In], fn func(context.Context, In) (T, error), opts ...Option) iter.Seq2[int, Outcome[T]] {
	return func(yield func(int, Outcome[T]) bool) {
		set, err := o.collect(opts)
		if err == nil {
			err = o.check(set)
		}
		if err != nil {
			yield(0, Outcome[T]{Err: err})
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		const aSlot = 2
		s := &stream[T]{o: o, done: make(chan *streamed[T], aSlot*o.cfg.Slots), weight: max(1, set.Weight), yield: yield, ctx: ctx}
		s.calls, s.room = semaphore.NewWeighted(int64(cap(s.done))), semaphore.NewWeighted(o.cfg.MaxWeight)
		defer func() {
			cancel()
			for s.running > 0 {
				s.take()
			}
		}()
		index := 0
		for v := range in {
			for !s.takeRoom() {
				if !s.next() {
					return
				}
			}
			if ctx.Err() != nil {
				break
			}
			p := &streamed[T]{s: s, index: index, fn: func(ctx context.Context) (T, error) { return fn(ctx, v) }}
			index++
			o.prepare(&p.task, p, ctx, set)
			err := o.submit(&p.task, true)
			if p.entry() != nil || err == nil {
				s.running++
			} else { // the call was not accepted: it has no other outcome
				s.leaveRoom()
				if !yield(p.index, Outcome[T]{Err: err}) {
					return
				}
				if err == ErrClosed { //nolint:errorlint // as it is
					break
				}
			}
			for len(s.done) > 0 { // outcomes that exist are yielded at once
				if !s.next() {
					return
				}
			}
		}
		for s.running > 0 && s.next() {
		}
	}
}

// stream holds the calls of a stream that are in progress.
type stream[T any] struct {
	o           *Orchestrator
	ctx         context.Context //nolint:containedctx // of the call of Stream, which outlives the stream
	calls, room *semaphore.Weighted
	weight      int64
	running     int
	done        chan *streamed[T]
	yield       func(int, Outcome[T]) bool
}

func (s *stream[T]) takeRoom() bool {
	if !s.calls.TryAcquire(1) {
		return false
	}
	if s.room.TryAcquire(s.weight) {
		return true
	}
	s.calls.Release(1)
	return false
}

func (s *stream[T]) leaveRoom() {
	s.calls.Release(1)
	s.room.Release(s.weight)
}

// next waits for a call to end and yields its outcome. It returns false if the consumer stops.
func (s *stream[T]) next() bool {
	p := s.take()
	return s.yield(p.index, outcomeOf(&p.task, &p.value))
}

// take waits for a call to end: at the latest, when its context has ended and its function returned.
func (s *stream[T]) take() (p *streamed[T]) {
	defer func() {
		s.running--
		s.leaveRoom()
	}()
	select {
	case p = <-s.done:
		return p
	default:
	}
	if back := s.o.lend(s.ctx); back != nil {
		defer back(s.ctx)
	}
	return <-s.done
}

// streamed is one call of a stream.
type streamed[T any] struct {
	task

	s     *stream[T]
	fn    Task[T]
	value T
	index int
}

func (p *streamed[T]) base() *task { return &p.task }
func (p *streamed[T]) outside()    { p.waitsForRoom() }
func (p *streamed[T]) admitted()   { close(p.entry()) }
func (p *streamed[T]) ended()      { p.s.done <- p }

func (p *streamed[T]) do(ctx context.Context) (err error) {
	value, err := p.fn(ctx)
	p.value = value
	return err
}
