package bucket

import (
	"math"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// Lesson is a kind of what a call can teach about its provider.
type Lesson int

// The lessons.
const (
	QuotaSpent Lesson = 1 // the provider refused the call because of its quota
	Overload   Lesson = 2 // the provider could serve nobody
	QuotaLeft  Lesson = 3 // the provider's answer says what remains of the quota
)

// Taught is what a call taught about the provider of a bucket.
type Taught struct {
	Limit  int // the limit of the route that learns
	Lesson Lesson
	Due    int64 // µs: when the call was due; of QuotaLeft: when the answer was heard; 0 for now
	Cost   int64 // what the call took of the limit; less than 1 is 1

	// Of QuotaLeft: Left of Quota tokens for Period µs, 0 where that is not known; Level is what [Bucket.Stand] was right after the
	// reservation of the call, which was due at Sent, µs.
	Quota, Left, Period, Level, Sent int64
}

// Stand is a number by which a bucket counts what is reserved later: when it is full, µs, or the starts of a window so far.
func (b *Bucket) Stand() int64 {
	if b.Window {
		return b.log.total
	}
	return b.level().Ceil()
}

// learn takes what a call has taught.
func (b *Bucket) learn(t *Taught, horizon int64) {
	if b.learnt == nil {
		s := adapt.New()
		b.learnt = &s
	}
	l, due := b.adapting(horizon), t.Due
	if due == 0 {
		due = b.now
	}
	switch t.Lesson {
	case QuotaSpent:
		b.learnt.Refused(l, b.now, due, t.Cost)
	case Overload:
		b.learnt.Overloaded(l, b.now, due, t.Cost)
	case QuotaLeft:
		since := max(0, b.reservedSince(t.Level)-t.refill())
		a := adapt.Answer{Heard: due, Limit: t.Quota, Period: t.Period, Remaining: t.Left, UnderWay: since}
		if b.learnt.Remaining(l, b.now, a) {
			b.atMost(max(0, t.Left-since))
		}
	}
	b.reprice()
}

// refill is how many tokens have come to the provider while the call was under way: the provider counts what was reserved meanwhile against
// these. Without them a fleet whose calls take longer than the quota lasts would stop.
func (t *Taught) refill() int64 {
	const longest = 60_000_000 // µs of a call
	took := max(0, min(longest, t.Due-t.Sent))
	if t.Period <= 0 || t.Sent <= 0 {
		return 0
	}
	return int64(math.Floor(min(float64(span), float64(t.Quota)*float64(took)/float64(t.Period))))
}

// OpenGently has a bucket that opens later open gently, because its provider has asked for the time: calls start one a second then, and twice
// as many each second, as at a provider that was overloaded. One call that is refused again costs one call.
func (b *Bucket) OpenGently() {
	if b.opens == 0 {
		return
	}
	if b.learnt == nil {
		s := adapt.New()
		b.learnt = &s
	}
	b.learnt.Waits(b.adapting(0), b.opens)
	b.reprice()
}

// reservedSince is how many tokens have been reserved at most since the bucket stood at a level: each has put the level off by its price.
func (b *Bucket) reservedSince(stand int64) int64 {
	if b.Window {
		return max(0, b.log.total-max(0, stand))
	}
	us := min(max(0, b.Stand()-max(0, stand)), span/b.Tokens)
	return us * b.Tokens / b.price
}

// atMost lets the bucket have so many tokens now at most.
func (b *Bucket) atMost(tokens int64) {
	if b.Window || tokens >= b.Burst {
		return
	}
	empty := b.after(Moment{At: b.now}, max(0, b.Burst*b.Per-tokens*b.price))
	if before(b.paused, empty) {
		b.set(empty)
		if b.eras != nil {
			b.forgetEras()
		}
	}
}

// adapting is the limit as the rule takes it that follows the provider.
func (b *Bucket) adapting(horizon int64) adapt.Limit {
	return adapt.Limit{Tokens: b.Tokens, Per: b.Per, Burst: b.Burst, Horizon: horizon, Start: b.Start}
}

// reprice sets what a token is charged by what is learnt.
func (b *Bucket) reprice() {
	b.price, b.hope, b.starts = b.Per, b.Per, b.Burst
	if b.learnt == nil {
		return
	}
	l := b.adapting(0)
	if b.learnt.Forgotten(l, b.now) {
		b.learnt = nil
		return
	}
	if b.Window {
		b.starts = l.Starts(b.learnt.Factor(l, b.now))
		return
	}
	b.priceFor(1)
}

// priceFor sets what a token is charged of a call that costs so many.
func (b *Bucket) priceFor(cost int64) {
	if b.learnt == nil || b.Window {
		return
	}
	l := b.adapting(0)
	floor := l.FloorOf(cost)
	b.price, b.hope = l.Price(max(floor, b.learnt.Factor(l, b.now))), l.Price(max(floor, b.learnt.Hope(l, b.now)))
}

// reach is how long after its latest reservation a bucket can be full, µs, that owes nothing: a call may cost more than the tokens of its burst
// while the provider is slow.
func (b *Bucket) reach() int64 {
	price := b.Per
	if b.learnt != nil {
		l := b.adapting(0)
		price = l.Price(l.Floor())
	}
	return (b.Burst*price + b.Tokens - 1) / b.Tokens
}

// time is how long the limit takes for n tokens, µs, at the rate that the provider serves. It serves choices, never a charge.
func (b *Bucket) time(n int64) float64 { return float64(n*b.price) / float64(b.Tokens) }

// comes is how many tokens come in a number of µs.
func (b *Bucket) comes(us int64) int64 {
	return int64(float64(us) * float64(b.Tokens) / float64(b.price))
}
