package limiter

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter/internal/adapt"
	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Position is when a call of a route could start that came now, and why.
type Position struct {
	Route string
	// Bucket and Limit are the limit that sets the time at which the call could start. Bucket is "" if it could start
	// at once.
	Bucket string
	Limit  Limit
	// In is how long the call would wait, as far as the waiting callers of the fleet are announced. It may be too long
	// by a quarter and a horizon if callers of other replicas wait, and too short if some of them are not announced
	// yet. It is [UntilResumed] if somebody has to resume the bucket first.
	In time.Duration
	// Why is what delays that limit besides the calls before this one, the longest first; none if only its rate does.
	Why []Reason
	// Line is the lanes that wait at that limit, oldest first, at most 1000. A lane is the callers of one route in one
	// replica.
	Line []Waiting
}

// Reason is something that delays a limit.
type Reason struct {
	Kind ReasonKind
	For  time.Duration // how long it still lasts; 0 if unknown, [UntilResumed] until somebody resumes the bucket
	By   string        // the replica whose provider asked to wait; else ""
	At   time.Time     // when that was reported, on that replica's clock
	Rate float64       // of Follows: tokens a second at which calls start
}

// ReasonKind is a kind of [Reason].
type ReasonKind string

// The kinds of reasons.
const (
	Paused     ReasonKind = "paused"     // somebody has paused the bucket
	Held       ReasonKind = "held"       // the provider has asked to wait
	Follows    ReasonKind = "follows"    // the provider has refused calls, or has reported that little is left
	Disputed   ReasonKind = "disputed"   // replicas disagree, and the smallest limit is in force
	Forgotten  ReasonKind = "forgotten"  // Redis has lost its data: the bucket began empty and in debt
	Recovering ReasonKind = "recovering" // Redis has lost its data: what replicas remember of the limit is collected
	Alone      ReasonKind = "alone"      // Redis is away: this replica continues with its share of the limit
)

// Waiting is a lane in line.
type Waiting struct {
	Replica string // "" where that replica is gone
	Route   string
	Urgent  bool
	Tokens  int64         // that its callers wait for
	In      time.Duration // until its first caller is expected to start; [UntilResumed] as in [Position]
}

// Where returns when a call of a route could start that came now, and why. It takes nothing. It is for finding out why
// something waits. It costs Redis one pipeline of at most 6 + 3 commands for each limit of the route, none of them a
// script. Options are those of the verbs.
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

// place fills in when the last call of a request could start. of is which limits belong to one bucket.
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

// view is the buckets of a route at a moment.
type view struct {
	now     int64 // µs of the store's clock
	buckets []*bucket.Bucket
	limits  []bound           // with the pauses as they are now
	session string            // prefix of the names of this replica's lanes
	names   map[string]string // of replicas, by the session of their lanes; nil where the replica is the only one
	replica string            // the only one
	forgot  int64             // µs: until when buckets of a lost memory are in debt; 0 if none was lost
	ending  []int64           // µs, for each bucket: until when Redis collects what replicas remember of it
	alone   time.Duration     // for how long the replica still continues without Redis; 0 if Redis answers
}

// line returns the lanes of a bucket. It is called before any decision, because decisions change the line.
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

// reasons returns what delays a limit. horizon is in µs.
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
