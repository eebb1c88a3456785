package lua

import (
	"fmt"
	"strconv"
	"strings"
)

// Kind is the result of an ask.
type Kind int64

// The kinds of a [Grant].
const (
	Reserved Kind = 1 // may start when it is due
	Refused  Kind = 2 // could start then, beyond its patience; nothing was charged
	Waiting  Kind = 3 // is in line, and is expected to start then
)

// Grant is the answer to Count calls of one ask. Their times are an arithmetic progression. The first is AtUS
// microseconds and Units of 1/Tokens microsecond, of the limit that binds, from NowUS. Each further one comes later by
// the time that this limit needs for the cost at the price. Reservations of a window are due together.
type Grant struct {
	Count       int
	Kind        Kind
	AtUS, Units int64
	Bound       int   // index of the limit that sets the times; -1 for none
	Price       int64 // units that each further token of that limit takes; 0 for as configured
}

// AcquireReply is the answer of [Path.Acquire].
type AcquireReply struct {
	Repeated   bool    // the reply of an earlier run of this call
	Runs       int     // runs of scripts for this call
	NowUS      int64   // the namespace's own time: Redis TIME, but never going back
	Grants     int64   // count of grants in the epoch of the call
	ComeBackUS int64   // microseconds from NowUS when waiting callers should ask again; -1 if nobody waits
	Answers    []Grant // for the asks in order
	Left       []int64 // if requested, of each limit: tokens, or starts of a window, that it has left
	Levels     []int64 // if requested or if a limit is slow, of each: microseconds until a bucket is full, starts of a window; -1 if unknown
}

// The statuses that a reply begins with.
const (
	statusDone     = "0"
	statusRepeated = "1"
	statusStale    = "2"
	statusInvalid  = "3"
	statusUnknown  = "4"
	statusNewer    = "5"
	statusFull     = "6"
)

// parse reads a reply.
func (p *Path) parse(r *AcquireReply, a *AcquireArgs, text string) error {
	status, rest, _ := strings.Cut(text, " ")
	switch status {
	case statusDone, statusRepeated:
	case statusStale:
		n, _ := strconv.ParseInt(rest, 10, 64)
		return &StaleError{Answered: n}
	case statusUnknown:
		return ErrUnknown
	case statusInvalid:
		n, _ := strconv.ParseInt(rest, 10, 64)
		return &ArgumentError{Number: n}
	case statusNewer:
		n, _ := strconv.ParseInt(rest, 10, 64)
		return &VersionError{Stored: n, Known: Version}
	default:
		return fmt.Errorf("lua: acquire: reply of status %q", status)
	}
	w := words{rest: rest}
	r.Repeated = status == statusRepeated
	r.Grants, r.NowUS = w.next(), w.next()
	r.ComeBackUS, p.busy = w.next(), w.next() == 1
	r.Levels, r.Left = r.Levels[:0], r.Left[:0]
	if contents := p.contents(a); contents > 0 {
		into := &r.Levels
		if a.Left {
			into = &r.Left
		}
		for range p.limits {
			*into = append(*into, w.next())
		}
	}
	r.Answers = r.Answers[:0]
	for w.rest != "" && !w.bad {
		g := Grant{Count: int(w.next()), Kind: Kind(w.next()), AtUS: w.next(), Units: w.next()}
		bound, price, dear := strings.Cut(w.word(), ":")
		of := words{rest: bound}
		if g.Bound = int(of.next()) - 1; dear {
			of.rest = price
			g.Price = of.next()
		}
		w.bad = w.bad || of.bad
		r.Answers = append(r.Answers, g)
	}
	if w.bad || !r.fits(a, p.limits) {
		return fmt.Errorf("lua: acquire: reply %q", text)
	}
	return nil
}

// fits reports whether a reply can belong to a call: a stored reply may have been damaged.
func (r *AcquireReply) fits(a *AcquireArgs, limits int) bool {
	asked, answered := 0, 0
	for _, k := range a.Asks {
		asked += k.Count
	}
	for _, g := range r.Answers {
		known := g.Kind == Reserved || g.Kind == Refused || g.Kind == Waiting
		if !known || g.Count < 1 || g.Count > asked-answered || g.AtUS < 0 || g.Units < 0 || g.Bound < -1 || g.Bound >= limits || g.Price < 0 || g.Price > widest ||
			g.Kind == Reserved && g.AtUS > a.HorizonUS {
			return false
		}
		answered += g.Count
	}
	return answered == asked && r.Grants >= 0 && r.NowUS >= 0
}
