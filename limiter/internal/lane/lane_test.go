package lane

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// moody is a store over one real bucket. As the test sets it, the store is slow, fails, or does not know the configuration.
type moody struct {
	zero  time.Time
	delay func() time.Duration
	fail  func() error

	mu     sync.Mutex
	bucket *bucket.Bucket
	asked  int
}

func (m *moody) requests() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func newMoody(l bucket.Limit) *moody {
	return &moody{zero: time.Now(), bucket: bucket.New(l), delay: func() time.Duration { return 0 }, fail: func() error { return nil }}
}

func (m *moody) Reserve(r *Route, q *Request) error {
	q.Runs = 1
	m.mu.Lock()
	m.asked++
	m.mu.Unlock()
	time.Sleep(m.delay())
	if err := m.fail(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	q.Now = time.Since(m.zero).Microseconds()
	m.bucket.Enter(q.Now, r.Limits[0].Limit, 0)
	var spares []bucket.Spare
	for _, b := range q.Backs {
		spares = append(spares, bucket.Spare{Due: b.Due, Cost: b.Cost.On(r), Fresh: true})
	}
	reply := bucket.Reply{Answers: q.Answers}
	bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{m.bucket}, Of: []int{0}},
		&bucket.Request{Lane: "lane", Now: q.Now, Horizon: 250_000, Lead: q.Lead, Asks: q.Asks, Spares: spares}, &reply)
	q.Answers, q.ComeBack = reply.Answers, reply.ComeBack
	return nil
}

var (
	errAway    = errors.New("away")
	errRefused = errors.New("refused")
)

// TestRetries: while the store fails, the lane repeats the requests of callers that wait, but not often. Other callers get the store's
// error. After an error that does not pass, all callers get it.
func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 100_000, Burst: 5})
		s.Passing = func(err error) bool { return errors.Is(err, errAway) }
		var refuses atomic.Bool
		m.fail = func() error {
			if refuses.Load() {
				return errRefused
			}
			return errAway
		}
		n := New(s, "lane", false, m, routeOf(5))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := n.Join(t.Context(), Ask{Mode: WhenDue, Cost: one, N: 1, Since: time.Now()}); !errors.Is(err, errRefused) {
					t.Errorf("a caller that waits got %v, want the permanent refusal", err)
				}
			})
		}
		for range 5 {
			if _, err := n.Join(t.Context(), Ask{Mode: AtOnce, Cost: one, N: 1, Since: time.Now()}); !errors.Is(err, errAway) {
				t.Errorf("a caller that does not wait got %v, want the error of the store", err)
			}
		}
		before := m.requests()
		time.Sleep(time.Minute)
		if asked := m.requests() - before; asked < 20 || asked > 50 {
			t.Errorf("the lane made %d requests in a minute, want 20 to 50", asked)
		}
		refuses.Store(true)
		all.Wait()
		s.Running.Wait()
	})
}

// TestEndOfContextIsNoticedAtOnce: callers of each mode return as soon as their context ends, while the store hangs, while it fails, and in
// line.
func TestEndOfContextIsNoticedAtOnce(t *testing.T) {
	for name, world := range map[string]func(m *moody){
		"hangs":   func(m *moody) { m.delay = func() time.Duration { return time.Minute } },
		"fails":   func(m *moody) { m.fail = func() error { return errAway } },
		"in line": func(*moody) {},
	} {
		for _, mode := range []Mode{WhenDue, Ahead, AtOnce, Come} {
			synctest.Test(t, func(t *testing.T) {
				s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 100_000_000, Burst: 5})
				world(m)
				n := New(s, "lane", false, m, routeOf(5))
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						ctx, cancel := context.WithCancel(t.Context())
						defer cancel()
						begun, after := time.Now(), 10*time.Millisecond+rand.N(time.Second)
						time.AfterFunc(after, cancel)
						var err error
						if mode == Come {
							_, err = n.Batch(ctx, []Run{{N: 2, Cost: one}, {N: 1, Cost: Cost{Tokens: 2}}}, &counter{})
						} else {
							_, err = n.Join(ctx, Ask{Mode: mode, Cost: one, N: 1, Since: begun})
						}
						if took := time.Since(begun); took > after {
							t.Errorf("%s, mode %d: the caller got %v after %v, want the end of its context, after %v", name, mode, err, took, after)
						}
					})
				}
				all.Wait()
				n.Close(errors.New("closed"))
				s.Running.Wait()
			})
		}
	}
}

// TestNoTokenIsLost: callers of all modes and costs ask, leave, use and return reservations. Meanwhile the store is slow and sometimes
// fails, and the rate of the route changes. In the end each reserved token was used, returned or counted as lost, and no caller hangs.
func TestNoTokenIsLost(t *testing.T) {
	for seed := range uint64(30) {
		for _, local := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				burst := 1 + rnd.Int64N(12)
				s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 1 + rnd.Int64N(100_000), Burst: burst})
				s.Local = local
				r := routeOf(burst)
				tally := r.Limits[0].Tally
				r.Limits[0].Limit = bucket.Limit{Tokens: 1, Per: 1 + rnd.Int64N(100_000), Burst: burst}
				r = NewRoute(*r)
				var mu sync.Mutex
				draw := func(n int64) int64 {
					mu.Lock()
					defer mu.Unlock()
					return rnd.Int64N(n)
				}
				if !local {
					m.delay = func() time.Duration { return time.Duration(draw(20)) * time.Millisecond }
					m.fail = func() error {
						switch draw(20) {
						case 0:
							return errAway
						case 1:
							return ErrOutdated
						}
						return nil
					}
				}
				n := New(s, "lane", seed%2 == 1, m, r)
				var used int64
				use := func(g Grant) {
					if d := time.Until(g.Due); d > 0 {
						time.Sleep(d)
					}
					mu.Lock()
					used += g.Cost.Tokens
					mu.Unlock()
				}
				var all sync.WaitGroup
				for range 12 {
					all.Go(func() {
						for range 30 {
							ctx, cancel := t.Context(), context.CancelFunc(func() {})
							if draw(3) == 0 {
								ctx, cancel = context.WithCancel(ctx)
								time.AfterFunc(1+time.Duration(draw(200))*time.Millisecond, cancel)
							}
							if mode := Mode(draw(4)); mode == Come {
								var c counter
								_, _ = n.Batch(ctx, []Run{{N: 1 + int(draw(4)), Cost: Cost{Tokens: 1 + draw(burst)}}, {N: 1, Cost: one}}, &c)
								for _, g := range c.got {
									if draw(3) == 0 {
										g.Return()
									} else {
										use(g)
									}
								}
							} else if o, err := n.Join(ctx, Ask{Mode: mode, Cost: Cost{Tokens: 1 + draw(burst)}, N: 1, Since: time.Now()}); err == nil {
								if mode == Ahead && draw(2) == 0 {
									o.Grant.Return()
								} else {
									use(o.Grant)
								}
							}
							cancel()
							time.Sleep(time.Duration(draw(50)) * time.Millisecond)
						}
					})
				}
				for i := range int64(5) {
					time.Sleep(200 * time.Millisecond)
					next := *r
					next.Built, next.Version = i+1, i+2
					n.Reroute(NewRoute(next))
				}
				all.Wait()
				n.Close(errors.New("closed"))
				s.Running.Wait()
				n.mu.Lock()
				for i := range n.pool.grants { // these were due too soon to be returned
					n.pool.grants[i].Lose()
				}
				n.mu.Unlock()
				if taken, returned, lost := tally.Taken.Load(), tally.Returned.Load(), tally.Lost.Load(); taken != used+returned+lost || taken == 0 {
					t.Errorf("seed %d, local %v: %d tokens were reserved, but %d used, %d returned and %d lost", seed, local, taken, used, returned, lost)
				}
			})
		}
	}
}

// TestCallerHearsTheReplyThatConcernsIt: a reservation is promised to a caller, as a request of another kind notes. Then the route changes,
// the reservation is lost, and the store refuses the next request. The caller gets that refusal.
func TestCallerHearsTheReplyThatConcernsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 100_000, Burst: 5})
		s.Passing = func(error) bool { return false }
		m.fail = func() error { return errRefused }
		n := New(s, "lane", false, m, routeOf(5))
		g := Grant{Due: time.Now().Add(200 * time.Millisecond), Cost: one, lane: n, Route: n.Route()}
		n.pool.add(&g)
		var waits sync.WaitGroup
		waits.Go(func() {
			if _, err := n.Join(t.Context(), Ask{Mode: WhenDue, Cost: one, N: 1, Since: time.Now()}); !errors.Is(err, errRefused) {
				t.Errorf("the caller got %v, want the refusal of the store", err)
			}
		})
		synctest.Wait()
		if _, err := n.Join(t.Context(), Ask{Mode: AtOnce, Cost: one, N: 1, Since: time.Now()}); !errors.Is(err, errRefused) {
			t.Errorf("a call that does not wait got %v, want the refusal of the store", err)
		}
		other := *n.Route()
		other.Built, other.Limits = 1, []Limit{other.Limits[0]}
		other.Limits[0].Bucket = "another"
		n.Reroute(NewRoute(other))
		waits.Wait()
		s.Running.Wait()
	})
}

// TestPromptCallersHaveTheirOwnTime: while the store hangs, each caller that wants an answer at once gets the error after it has waited for
// the timeout itself, whenever the request was made.
func TestPromptCallersHaveTheirOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 100_000, Burst: 5})
		m.delay = func() time.Duration { return 13 * time.Second }
		n := New(s, "lane", false, m, routeOf(5))
		var all sync.WaitGroup
		for i := range 7 {
			for _, mode := range []Mode{AtOnce, Come} {
				all.Go(func() {
					time.Sleep(time.Duration(i) * 1100 * time.Millisecond)
					begun := time.Now()
					var err error
					if mode == Come {
						_, err = n.Batch(t.Context(), []Run{{N: 1, Cost: one}}, &counter{})
					} else {
						_, err = n.Join(t.Context(), Ask{Mode: mode, Cost: one, N: 1, Since: begun})
					}
					if took := time.Since(begun); err == nil || took != s.Timeout {
						t.Errorf("a caller of mode %d that asked after %v got %v after another %v, want the error after the timeout", mode, time.Duration(i)*1100*time.Millisecond, err, took)
					}
				})
			}
		}
		all.Wait()
		s.Running.Wait()
	})
}

// TestWhatGoesBackIsChargedToItsOwnLimits: a request returns a reservation, and the store does not know the configuration. By then the
// route has another bucket. The reservation counts as lost and serves no caller.
func TestWhatGoesBackIsChargedToItsOwnLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := sharedOf(), newMoody(bucket.Limit{Tokens: 1, Per: 100_000, Burst: 5})
		n := New(s, "lane", false, m, routeOf(5))
		other := *n.Route()
		other.Built, other.Limits = 1, []Limit{other.Limits[0]}
		other.Limits[0].Bucket, other.Limits[0].Tally = "another", &Tally{}
		var asked atomic.Bool
		m.fail = func() error {
			if asked.Swap(true) {
				return nil
			}
			n.Reroute(NewRoute(other))
			return ErrOutdated
		}
		g := Grant{Due: time.Now().Add(200 * time.Millisecond), at: 200_000, Cost: one, lane: n, Route: n.Route()}
		g.Return()
		s.Running.Wait()
		if tally := g.Route.Limits[0].Tally; tally.Lost.Load() != 1 || len(n.pool.grants) != 0 {
			t.Errorf("%d tokens are lost and %d reservations are in the pool, want the returned reservation lost", tally.Lost.Load(), len(n.pool.grants))
		}
	})
}

// TestQueueIsByAge: a call that is queued late but is older comes before younger calls, and after calls of the same age.
func TestQueueIsByAge(t *testing.T) {
	now, q := time.Now(), queue{}
	var all []*waiter
	for _, age := range []int{3, 1, 2, 3, 0, 2, 5} {
		w := &waiter{Ask: Ask{Cost: one, N: 1, Since: now.Add(-time.Duration(age) * time.Second)}}
		all = append(all, w)
		q.push(w)
	}
	i := 0
	for w := q.first; w != nil; w = w.next {
		if want := all[[]int{6, 0, 3, 2, 5, 1, 4}[i]]; w != want {
			t.Errorf("the waiter at place %d has the age %v", i, now.Sub(w.Since))
		}
		i++
	}
	for _, k := range []int{0, 6, 4, 2, 5, 3, 1} {
		q.remove(all[k])
	}
	if q.first != nil || q.last != nil || q.len != 0 || q.odd != 0 {
		t.Errorf("after all waiters were removed the queue is %+v, want it empty", q)
	}
}
