package bucket

import (
	"math"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// Lesson is a kind of information about a provider that a call brings.
type Lesson int

// The lessons.
const (
	QuotaSpent Lesson = 1 // the provider refused the call because of its quota
	Overload   Lesson = 2 // the provider could serve nobody
	QuotaLeft  Lesson = 3 // the provider's answer contains what remains of the quota
)

// Taught is what a call has learnt about the provider of a bucket.
type Taught struct {
	Limit  int // the limit of the route that learns
	Lesson Lesson
	Due    int64 // µs: when the call was due; for QuotaLeft: when the answer arrived; 0 for now
	Cost   int64 // what the call took of the limit; less than 1 is 1

	// For QuotaLeft: Left of Quota tokens for Period µs, 0 if unknown. Level is what [Bucket.Stand] was right after the
	// reservation of the call, which was due at Sent, µs.
	Quota, Left, Period, Level, Sent int64
}

// Stand returns a number by which a bucket counts later reservations: when it is full, µs, or for a window its starts
// so far.
func (b *Bucket) Stand() int64 {
	if b.Window {
		return b.log.total
	}
	return b.level().Ceil()
}

// learn takes in what a call has learnt.
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

// refill returns how many tokens the provider has gained while the call was in flight. The provider counts reservations
// of that time against these tokens. Without refill a fleet whose calls take longer than the quota lasts would stop.
func (t *Taught) refill() int64 {
	const longest = 60_000_000 // µs of a call
	took := max(0, min(longest, t.Due-t.Sent))
	if t.Period <= 0 || t.Sent <= 0 {
		return 0
	}
	return int64(math.Floor(min(float64(span), float64(t.Quota)*float64(took)/float64(t.Period))))
}

// OpenGently makes a bucket that opens later open gently, because its provider has asked to wait. Calls then start one
// a second, and twice as many each second, as at a provider that was overloaded. So another refusal costs one call.
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

// reservedSince returns how many tokens have been reserved at most since the bucket was at a level: each has moved the
// level by its price.
func (b *Bucket) reservedSince(stand int64) int64 {
	if b.Window {
		return max(0, b.log.total-max(0, stand))
	}
	us := min(max(0, b.Stand()-max(0, stand)), span/b.Tokens)
	return us * b.Tokens / b.price
}

// atMost limits the tokens in the bucket to a number.
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

// adapting returns the limit in the form of the package adapt.
func (b *Bucket) adapting(horizon int64) adapt.Limit {
	return adapt.Limit{Tokens: b.Tokens, Per: b.Per, Burst: b.Burst, Horizon: horizon, Start: b.Start}
}

// reprice sets the charge of a token from what is learnt.
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

// priceFor sets the charge of a token for a call of a cost.
func (b *Bucket) priceFor(cost int64) {
	if b.learnt == nil || b.Window {
		return
	}
	l := b.adapting(0)
	floor := l.FloorOf(cost)
	b.price, b.hope = l.Price(max(floor, b.learnt.Factor(l, b.now))), l.Price(max(floor, b.learnt.Hope(l, b.now)))
}

// reach returns how long after its latest reservation a bucket that owes nothing can be full, µs: a call may cost more
// than the tokens of its burst while the provider is slow.
func (b *Bucket) reach() int64 {
	price := b.Per
	if b.learnt != nil {
		l := b.adapting(0)
		price = l.Price(l.Floor())
	}
	return (b.Burst*price + b.Tokens - 1) / b.Tokens
}

// time returns how long the limit takes for n tokens, µs, at the rate that the provider serves. It is for choices,
// never for a charge.
func (b *Bucket) time(n int64) float64 { return float64(n*b.price) / float64(b.Tokens) }

// comes returns how many tokens come in a number of µs.
func (b *Bucket) comes(us int64) int64 {
	return int64(float64(us) * float64(b.Tokens) / float64(b.price))
}
