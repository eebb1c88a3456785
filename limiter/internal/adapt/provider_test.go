package adapt_test

import "math/rand/v2"

// kind is the kind of limit that a provider has.
type kind int

const (
	tokenBucket kind = iota
	fixedWindow      // a second, from a phase of its own
	slidingWindow
	anyKind // by the seed
)

func (k kind) String() string { return [...]string{"bucket", "fixed", "sliding"}[k] }

// provider counts arrivals by its own rules. It shares no code with the tested package.
type provider struct {
	kind  kind
	burst float64 // seconds of the rate, of a bucket
	phase int64   // µs, of a fixed window
	rate  float64 // calls a second
	level float64 // tokens of a bucket
	last  int64   // µs
	log   []int64 // arrivals that a window accepted
}

func newProvider(k kind, rate float64, r *rand.Rand) *provider {
	p := &provider{kind: k, burst: 0.4 + 1.6*r.Float64(), phase: r.Int64N(second), rate: rate}
	p.level = p.full()
	return p
}

func (p *provider) full() float64 {
	if p.kind == tokenBucket {
		return max(1, p.burst*p.rate)
	}
	return p.rate
}

// accepts counts an arrival. It returns whether the provider accepts it, and how many tokens remain.
func (p *provider) accepts(now int64, rate float64) (ok bool, remaining float64) {
	p.rate = rate
	if p.kind == tokenBucket {
		p.level = min(p.full(), p.level+float64(now-p.last)/float64(second)*rate)
		p.last = now
		if p.level < 1 {
			return false, p.level
		}
		p.level--
		return true, p.level
	}
	from := now - second
	if p.kind == fixedWindow {
		from = now - (now-p.phase)%second - 1
	}
	n := 0
	for n < len(p.log) && p.log[n] <= from {
		n++
	}
	p.log = p.log[n:]
	if float64(len(p.log)) >= rate {
		return false, 0
	}
	p.log = append(p.log, now)
	return true, rate - float64(len(p.log))
}
