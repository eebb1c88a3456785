package limiter

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
	"github.com/weir-go/weir/lua"
)

// Limit is a token bucket or a window. A bucket gives Tokens per Per, at most Burst of them at once. A window admits at
// most Tokens in any period of Per, for providers that count that way. A Limit is rational and exact at any rate: 40
// per second, 30,000 per second, 5 per day.
type Limit struct {
	// Tokens is how many tokens come in each Per, 1 or more; for a window at most 100,000.
	Tokens int64
	// Per is the time in which Tokens come, a positive number of whole microseconds. Zero is a second. A bucket has at
	// most one limit of a kind per time.
	Per time.Duration
	// Burst is how many tokens the bucket holds. Zero is the tokens of one second, at least 1: give 1,000 a day a burst
	// of 1,000 if a day's calls may start at once. A window holds Tokens.
	Burst int64
	// Window counts the starts of the last Per instead of refilling. A window stores the time of each start, so it is
	// for small numbers.
	Window bool
	// Begin is what the limit holds when it is new and unused. Zero is Full.
	Begin Begin
}

// Begin is what a limit holds that nobody has ever used. A bucket made at run time counts as never used a minute after
// it was full (a day if it begins empty). A limit that Redis has forgotten was used: it begins empty and in debt by the
// horizon.
type Begin int

const (
	// Full is a bucket with its burst, and a window without starts.
	Full Begin = iota
	// Empty is a bucket without tokens, and a window that is shut for its length.
	Empty
)

// PerSecond returns a limit of n tokens a second with the given burst; a burst of 0 is n. Up to burst + 1.05·n calls start
// in one second, with the default [Config.Slack]. A provider that admits fewer needs a smaller rate and burst, or [PerWindow].
func PerSecond(n, burst int64) Limit { return Limit{Tokens: n, Per: time.Second, Burst: burst} }

// PerWindow returns a limit of at most n starts in any period of length w less [Config.Slack], because a reservation may be
// used that much late. For a provider that counts without tolerance use PerWindow(n, w + slack).
func PerWindow(n int64, w time.Duration) Limit { return Limit{Tokens: n, Per: w, Window: true} }

// Rate returns the tokens per second.
func (l Limit) Rate() float64 {
	if l.Per == 0 {
		return float64(l.Tokens)
	}
	return float64(l.Tokens) / l.Per.Seconds()
}

// String returns the limit as a person writes it: "40 per 1s, burst 40".
func (l Limit) String() string {
	if l.Window {
		return fmt.Sprintf("%d in any %v", l.Tokens, l.Per)
	}
	return fmt.Sprintf("%d per %v, burst %d", l.Tokens, l.Per, l.Burst)
}

const (
	// exact is the largest integer that a number of a Redis script holds exactly.
	exact = 1<<53 - 1
	// span bounds the time in which a bucket refills, in µs: 35 years, so that no sum of stamps exceeds exact.
	span = 1 << 50
	// maxWindow bounds the memory of one window limit in Redis to about a megabyte.
	maxWindow = 100_000
)

// normal returns the limit with its zero values filled in, or an error that says why the limit is not possible.
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
	if l.Begin != Full && l.Begin != Empty {
		return l, fmt.Errorf("begin %d: want Full or Empty", l.Begin)
	}
	if l.Burst < 0 {
		return l, fmt.Errorf("burst %d: want 1 or more, or 0 for the tokens of one second", l.Burst)
	}
	switch {
	case l.Window && l.Burst != 0 && l.Burst != l.Tokens:
		return l, fmt.Errorf("window of %d with a burst of %d: a window holds its tokens", l.Tokens, l.Burst)
	case l.Window && l.Tokens > maxWindow:
		return l, fmt.Errorf("window of %d: want %d or fewer, or a bucket", l.Tokens, maxWindow)
	case l.Window:
		l.Burst = l.Tokens
	case l.Burst == 0:
		l.Burst = max(1, int64(min(float64(l.Tokens)/l.Per.Seconds(), exact)))
	}
	tokens, per := l.ratio()
	if float64(l.Burst)*float64(per)+float64(tokens) > span {
		return l, fmt.Errorf("%v: too large to be kept exactly: want burst × period, in lowest terms, below 35 years", l)
	}
	return l, nil
}

// fine is the least number of units that a token costs, where possible: a learnt rate is a whole number of units.
const fine = 1000

// ratio returns tokens and microseconds in lowest terms. For a fast limit it returns a multiple of these, so that a
// token costs [fine] units.
func (l Limit) ratio() (tokens, per int64) {
	const most = 10 * fine // of a multiple
	tokens, per = l.Tokens, int64(l.Per/time.Microsecond)
	d := gcd(tokens, per)
	tokens, per = tokens/d, per/d
	for k := (fine + per - 1) / per; k <= min(d, most) && k > 1; k++ {
		if d%k == 0 && tokens*k <= 100*fine && float64(l.Burst)*float64(per*k) <= span/4 {
			return tokens * k, per * k
		}
	}
	return tokens, per
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
	limit  Limit // normal
	own    bool  // made at run time
	start  int64 // ppm: for an unknown limit, the part of the rate with which it begins; otherwise 0
	keeps  bool  // a faster limit of the bucket shuts the bucket: holds and pauses leave the tokens of this one
	opens  opening
}

func (b bound) args() lua.Limit {
	tokens, per := b.limit.ratio()
	return lua.Limit{
		Field:  lua.Field{Bucket: b.bucket, PerUS: b.limit.Per.Microseconds(), Window: b.limit.Window},
		Tokens: tokens, PerUS: per, Burst: b.limit.Burst, Own: b.own, Empty: b.limit.Begin == Empty, OpensUS: b.opens.at, Gently: b.opens.gently(), StartPPM: b.start,
	}
}

// core returns the limit in the form of the package bucket.
func (b bound) core() bucket.Limit {
	tokens, per := b.limit.ratio()
	return bucket.Limit{Tokens: tokens, Per: per, Burst: b.limit.Burst, Window: b.limit.Window, Start: b.start, Keeps: b.keeps}
}

// lane returns the limit in the form of the package lane.
func (b bound) lane() lane.Limit {
	return lane.Limit{Limit: b.core(), Bucket: b.bucket, Per: b.limit.Per}
}

// boundOf reads back what args writes.
func boundOf(l lua.Limit) bound {
	return bound{bucket: l.Field.Bucket, limit: limitOf(l), own: l.Own, opens: opening{at: l.OpensUS}}
}

// limitOf returns a limit per its configured time, if that gives a whole number of tokens.
func limitOf(l lua.Limit) Limit {
	out := Limit{Tokens: l.Tokens, Per: time.Duration(l.PerUS) * time.Microsecond, Burst: l.Burst, Window: l.Field.Window}
	if out.Window {
		out.Tokens, out.Per = l.Burst, time.Duration(l.Field.PerUS)*time.Microsecond
	} else if l.PerUS > 0 && l.Field.PerUS%l.PerUS == 0 {
		out.Tokens, out.Per = l.Tokens*(l.Field.PerUS/l.PerUS), time.Duration(l.Field.PerUS)*time.Microsecond
	}
	return out
}

// narrowestFirst sorts the limits of a bucket by their rates. It also determines which of them keep their tokens when
// the bucket is shut: the slow ones, if there is a faster one that shuts the bucket.
func narrowestFirst(limits []bound) {
	slices.SortStableFunc(limits, func(a, b bound) int {
		return cmp.Or(cmp.Compare(a.limit.Rate(), b.limit.Rate()), cmp.Compare(a.limit.Per, b.limit.Per))
	})
	faster := slices.ContainsFunc(limits, func(b bound) bool { return !b.args().Slow() })
	for i := range limits {
		limits[i].keeps = faster && !limits[i].limit.Window && limits[i].args().Slow()
	}
}

// normalBucket checks the limits of a bucket and sorts them.
func normalBucket(name string, limits []Limit, horizon time.Duration) ([]bound, error) {
	if err := ValidateName("bucket", name); err != nil {
		return nil, err
	}
	if len(limits) == 0 {
		return nil, fmt.Errorf("limiter: bucket %s: no limits", name)
	}
	var out []bound
	for _, l := range limits {
		n, err := l.normal()
		tokens, per := int64(1), int64(1)
		if err == nil {
			tokens, per = n.ratio()
		}
		if err == nil && float64(n.Burst)*float64(per)+(float64(horizon.Microseconds())+1)*float64(tokens) > span {
			err = fmt.Errorf("%v: too large to be kept exactly with a horizon of %v", n, horizon)
		}
		if err == nil && slices.ContainsFunc(out, func(b bound) bool { return b.limit.Per == n.Per && b.limit.Window == n.Window }) {
			err = fmt.Errorf("two limits of a kind per %v", n.Per)
		}
		if err != nil {
			return nil, fmt.Errorf("limiter: bucket %s: %w", name, err)
		}
		out = append(out, bound{bucket: name, limit: n})
	}
	narrowestFirst(out)
	return out, nil
}
