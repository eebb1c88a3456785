package limiter

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter/internal/adapt"
	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Position is where a call of a route would stand that came now, and why.
type Position struct {
	Route string
	// Bucket and Limit are what sets the time at which the call could start; Bucket is "" where it could start at once.
	Bucket string
	Limit  Limit
	// In is how long it would wait, as far as the fleet has announced who waits. It may be a quarter and a horizon less where callers of
	// other replicas wait, and more where some of them are not announced yet. [UntilResumed] where somebody has to resume the bucket first.
	In time.Duration
	// Why is what holds that limit back besides the calls before this one, the longest first; none where its rate alone does.
	Why []Reason
	// Line is the lanes that wait at that limit, oldest first, at most 1000: the callers of one route in one replica each.
	Line []Waiting
}

// Reason is something that holds a limit back.
type Reason struct {
	Kind ReasonKind
	For  time.Duration // how long it lasts still; 0 where that is not known, [UntilResumed] until somebody resumes the bucket
	By   string        // the replica whose provider asked to wait; else ""
	At   time.Time     // when that was reported, on that replica's clock
	Rate float64       // of Follows: tokens a second at which calls start
}

// ReasonKind is what can hold a limit back.
type ReasonKind string

// The kinds of reasons.
const (
	Paused     ReasonKind = "paused"     // somebody has paused the bucket
	Held       ReasonKind = "held"       // the provider has asked to wait
	Follows    ReasonKind = "follows"    // the provider has refused calls, or says that little is left
	Disputed   ReasonKind = "disputed"   // replicas disagree, and the smallest limit is in force
	Forgotten  ReasonKind = "forgotten"  // Redis has forgotten: the bucket began empty and in debt
	Recovering ReasonKind = "recovering" // Redis has forgotten: what replicas remember of the limit is collected
	Alone      ReasonKind = "alone"      // Redis is away: this replica goes on with its share of the limit
)

// Waiting is a lane in line.
type Waiting struct {
	Replica string // "" where that replica is gone
	Route   string
	Urgent  bool
	Tokens  int64         // for which its callers wait
	In      time.Duration // until its first caller is expected to start; [UntilResumed] as in [Position]
}

// Where returns where a call of a route would stand that came now, and why, without asking for anything: for those who want to know why
// something waits. It costs Redis one pipeline of at most 6 + 3 commands for each limit of the route, of which none is a script. Options
// are those of the verbs.
//
// In shadow mode every call could start at once. Buckets in shadow mode are left out.
//
// Errors: [RouteError], [ErrClosed], those of [Costs], and errors that wrap [ErrUnavailable].
func (l *Limiter) Where(ctx context.Context, route string, opts ...Option) (Position, error) {
	chose := chosen(opts)
	n, err := l.lane(route, chose.urgent)
	if err != nil {
		return Position{}, err
	}
	cost, err := chose.costs.cost(route, 1)
	if err != nil {
		return Position{}, err
	}
	r := n.Route()
	if err := r.Check(cost); err != nil {
		return Position{}, l.public(n, err)
	}
	if l.shadows.Load() {
		return Position{Route: route}, nil
	}
	limits := passedOf(r).limits
	if len(limits) == 0 { // all in shadow mode
		return Position{Route: route}, nil
	}
	v, err := l.look(ctx, passedOf(r))
	if err != nil {
		return Position{}, err
	}
	now := time.Now()
	asks, free := n.Ahead(now)
	q := bucket.Request{Lane: v.session + n.ID, Now: v.now, Horizon: l.s.Horizon.Microseconds()}
	q.Asks = append(asks, bucket.Ask{N: 1, Cost: cost.On(r), Patience: -1, Urgent: chose.urgent})
	v.replica = l.s.Replica
	p := Position{Route: route}
	if !free.IsZero() {
		p.In = max(0, free.Sub(now))
		return p, nil
	}
	l.mu.RLock()
	disputed, _ := byDispute(l.conf.disputed)
	l.mu.RUnlock()
	v.place(&p, &q, passedOf(r).of, func(bucket string) bool { _, ok := disputed[bucket]; return ok })
	return p, nil
}

// look reads the buckets of a route.
func (l *Limiter) look(ctx context.Context, p *passed) (*view, error) {
	if p.local == nil {
		return l.store.look(ctx, p.limits)
	}
	v, err := p.local.look(ctx, p.limits)
	if err == nil {
		v.alone = time.Until(l.Health().Until)
	}
	return v, err
}

// place says where the last call of a request would stand. of says which limits are of one bucket.
func (v *view) place(p *Position, q *bucket.Request, of []int, disputed func(bucket string) bool) {
	lines := make([][]Waiting, len(v.buckets))
	for i, b := range v.buckets {
		lines[i] = v.line(b)
	}
	var reply bucket.Reply
	bucket.Decide(bucket.Route{Limits: v.buckets, Of: of}, q, &reply)
	a := reply.Answers[len(reply.Answers)-1]
	if a.Bound < 0 {
		return
	}
	b := v.limits[a.Bound]
	p.Bucket, p.Limit, p.Line = b.bucket, b.limit, lines[a.Bound]
	tokens := q.Asks[len(q.Asks)-1].Cost
	p.In = time.Duration(max(0, a.Due(a.N-1, b.core(), tokens[min(a.Bound, len(tokens)-1)]))) * time.Microsecond
	p.Why = v.reasons(b, a.Bound, q.Horizon, disputed(b.bucket))
	if slices.ContainsFunc(p.Why, func(r Reason) bool { return r.For == UntilResumed }) {
		p.In = UntilResumed
		for i := range p.Line {
			p.Line[i].In = UntilResumed
		}
	}
}

// view is the buckets of a route as they are at a moment.
type view struct {
	now     int64 // µs of the store's clock
	buckets []*bucket.Bucket
	limits  []bound           // with the pauses as they are now
	session string            // before the names of this replica's lanes
	names   map[string]string // of replicas, by the session of their lanes; nil where the replica is the only one
	replica string            // the only one
	forgot  int64             // µs: until when buckets of a memory that was lost are in debt; 0 where it was not
	ending  []int64           // µs, of each bucket: until when it is collected what replicas remember of it
	alone   time.Duration     // for how long the replica goes on without Redis still; 0 where Redis answers
}

// line is the lanes of a bucket. It comes before anything is decided, which changes the line.
func (v *view) line(b *bucket.Bucket) []Waiting {
	var out []Waiting
	for i, place := range b.Line() {
		w := Waiting{Replica: v.replica, Route: place.Lane, Tokens: place.Tokens + place.Rest, In: time.Duration(b.Turn(i)) * time.Microsecond}
		if v.names != nil {
			session, lane, _ := strings.Cut(place.Lane, ":")
			w.Replica, w.Route = v.names[session], lane
		}
		w.Route, w.Urgent = strings.CutSuffix(w.Route, urgentLane)
		out = append(out, w)
	}
	return out
}

// reasons is what holds a limit back. horizon is in µs.
func (v *view) reasons(b bound, at int, horizon int64, disputed bool) (why []Reason) {
	k := v.buckets[at]
	until := func(us int64) time.Duration { return time.Duration(us-v.now) * time.Microsecond }
	s := k.State()
	switch by, when := b.opens.held(); {
	case b.opens.at <= v.now:
	case by != "":
		why = append(why, Reason{Kind: Held, For: until(b.opens.at), By: by, At: when})
	default:
		why = append(why, Reason{Kind: Paused, For: pausedFor(b.opens.at, v.now)})
	}
	if len(why) == 0 && s.Last > v.now+horizon {
		why = append(why, Reason{Kind: Held, For: until(s.Last)})
	}
	if v.ending[at] > v.now {
		why = append(why, Reason{Kind: Recovering, For: until(v.ending[at])})
	}
	if v.forgot > v.now {
		why = append(why, Reason{Kind: Forgotten, For: until(v.forgot)})
	}
	if f := k.Factor(v.now); f < adapt.Whole {
		why = append(why, Reason{Kind: Follows, Rate: b.limit.Rate() * float64(f) / adapt.Whole})
	}
	if v.alone > 0 {
		why = append(why, Reason{Kind: Alone, For: v.alone})
	}
	if disputed {
		why = append(why, Reason{Kind: Disputed})
	}
	slices.SortStableFunc(why, func(a, b Reason) int { return int(min(1, max(-1, b.For-a.For))) })
	return why
}
