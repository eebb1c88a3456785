package limiter

import (
	"fmt"
	"time"

	"github.com/weir-go/weir/lua"
)

// Limit is a token bucket: Tokens per Per, at most Burst of them at once. It is rational and kept exactly, whatever the
// rate: 40 per second, 30,000 per second, 5 per day.
type Limit struct {
	// Tokens is how many tokens come in each Per, 1 or more.
	Tokens int64
	// Per is the time in which they come, a positive number of whole microseconds. Zero is a second.
	Per time.Duration
	// Burst is how many tokens the bucket holds. Zero is the tokens of one second, at least 1.
	Burst int64
}

// PerSecond is n tokens a second with the burst given; a burst of 0 is n.
func PerSecond(n, burst int64) Limit { return Limit{Tokens: n, Per: time.Second, Burst: burst} }

// Rate returns the tokens per second.
func (l Limit) Rate() float64 { return float64(l.Tokens) / l.Per.Seconds() }

// String is the limit as a person writes it: "40 per 1s, burst 40".
func (l Limit) String() string { return fmt.Sprintf("%d per %v, burst %d", l.Tokens, l.Per, l.Burst) }

const (
	// exact is the largest integer that the numbers of a Redis script count to.
	exact = 1<<53 - 1
	// span bounds the time in which a bucket refills, in µs: 35 years, so that no sum of stamps exceeds exact.
	span = 1 << 50
)

// normal returns the limit with its zero values filled in, its ratio in lowest terms, or why it cannot be kept.
func (l Limit) normal() (Limit, error) {
	if l.Per == 0 {
		l.Per = time.Second
	}
	if l.Tokens < 1 || l.Tokens > exact {
		return l, fmt.Errorf("%d tokens: want 1 or more", l.Tokens)
	}
	if l.Per < 0 || l.Per%time.Microsecond != 0 {
		return l, fmt.Errorf("tokens per %v: want a positive number of whole microseconds", l.Per)
	}
	if l.Burst < 0 {
		return l, fmt.Errorf("burst %d: want 1 or more, or 0 for the tokens of one second", l.Burst)
	}
	if l.Burst == 0 {
		l.Burst = max(1, int64(min(float64(l.Tokens)/l.Per.Seconds(), exact)))
	}
	per := int64(l.Per / time.Microsecond)
	d := gcd(l.Tokens, per)
	l.Tokens, per = l.Tokens/d, per/d
	l.Per = time.Duration(per) * time.Microsecond
	if float64(l.Burst)*float64(per)+float64(l.Tokens) > span {
		return l, fmt.Errorf("%v: too large to be kept exactly: want burst × period, in lowest terms, below 35 years", l)
	}
	return l, nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// bound is one limit of one bucket, ready for use.
type bound struct {
	bucket string
	index  int
	limit  Limit // in lowest terms
}

func (b bound) args() lua.Limit {
	return lua.Limit{
		Field: lua.LimitField(b.bucket, b.index), Tokens: b.limit.Tokens,
		PerUS: b.limit.per(), Burst: b.limit.Burst, Ticket: lua.Ticket{Rank: int64(newcomer)},
	}
}
